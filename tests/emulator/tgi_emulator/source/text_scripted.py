"""Scripted text: exact, repeatable words, no native code. One word is one token."""

from __future__ import annotations

import asyncio
import hashlib
import re
from collections.abc import AsyncGenerator
from contextlib import aclosing
from dataclasses import replace
from functools import cache

from . import schema_fill, scripted_answers
from .call_spacing import spaced
from .chat_template import END, turns_of
from .text import Ask, InputToken, Piece
from .tools import settled

_GUIDED_TOKEN = re.compile(r'",|\s?(?:\w{1,9}|[^\w\s"]+"?|")|\s')
"""JSON in pieces as small as a model's; a value's end takes its comma along, as TGI wants it."""
_TOKEN = re.compile(r"<\|\w+\|>|\s?[^\s<]+|\s|<")


@cache
def _digest(text: str) -> int:
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:4], "big")


def _piece(text: str, top_n: int = 0) -> Piece:
    digest = _digest(text)
    logprob = -(digest % 1500 + 1) / 1000
    others = tuple(
        Piece((digest + step) % 49152, f" {word}", logprob - step)
        for step, word in enumerate(("one", "two", "three", "four"), 1)
    )
    top = (Piece(digest % 49152, text, logprob), *others)[:top_n]
    return Piece(digest % 49152, text, logprob, top=top)


class ScriptedText:
    """A TextSource that knows a few answers and fulfils schemas by construction."""

    described = "a script (no model)"
    max_context = 8192

    def load(self, max_total_tokens: int | None) -> None:
        """Nothing to load."""

    def close(self) -> None:
        """Nothing to let go of."""

    async def tokenize(self, text: str) -> list[InputToken]:
        return [
            InputToken(_digest(found.group()) % 49152, found.group(), found.start(), found.end())
            for found in _TOKEN.finditer(text)
        ]

    async def generate(self, ask: Ask) -> AsyncGenerator[Piece, None]:
        async with aclosing(spaced(ask, self._generate(ask))) as pieces:
            async for piece in pieces:
                yield piece

    async def _generate(self, ask: Ask) -> AsyncGenerator[Piece, None]:
        turns = turns_of(ask.prompt) or [("user", ask.prompt)]
        question = next((text for role, text in reversed(turns) if role == "user"), "")
        cut = _TOKEN if ask.constraint is None else _GUIDED_TOKEN
        if ask.constraint and ask.constraint.schema is not None:
            text = schema_fill.fill(settled(ask.constraint.schema, turns), question)
        elif ask.constraint and ask.constraint.regex is not None:
            text = schema_fill.match_for(ask.constraint.regex)
        else:
            text = scripted_answers.answer(turns)
        words = [found.group() for found in cut.finditer(text)]
        for word in words[: ask.max_new_tokens]:
            await asyncio.sleep(0)
            yield _piece(word, ask.top_n)
        if len(words) < ask.max_new_tokens:
            yield replace(_piece(END, ask.top_n), id=2, logprob=-0.01, special=True)
