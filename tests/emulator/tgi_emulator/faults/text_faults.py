"""Faults of the model itself: what a source of text gives when weights, tokenizer or guide fail.

They act on tokens, below validation and every route, so all routes show them alike.
"""

from __future__ import annotations

import asyncio
import hashlib
import math
import re
from collections.abc import AsyncGenerator
from contextlib import aclosing
from dataclasses import replace

from ..source.text import IGNORED, Ask, InputToken, Piece, TextSource
from .faults import Faults

_JSON_PART = re.compile(r'(?:"(?:\\.|[^"\\])*"|[^"{\[:,])*[{\[:,]?')
_OTHER_TOKEN = re.compile(r"\s?\S{1,3}|\s")
_OTHER_VOCABULARY = 32_000


class FaultyText:
    """A TextSource around another one; without faults it changes nothing."""

    def __init__(self, source: TextSource, faults: Faults) -> None:
        self._source, self._faults = source, faults
        self.described, self.max_context = source.described, source.max_context

    def load(self, max_total_tokens: int | None) -> None:
        self._source.load(max_total_tokens)

    def close(self) -> None:
        self._source.close()

    async def tokenize(self, text: str) -> list[InputToken]:
        if self._on("wrong-tokenizer"):
            return [
                InputToken(_other_id(found.group()), found.group(), found.start(), found.end())
                for found in _OTHER_TOKEN.finditer(text)
            ]
        return await self._source.tokenize(text)

    async def generate(self, ask: Ask) -> AsyncGenerator[Piece, None]:
        async with aclosing(self._pieces(ask)) as pieces:
            async for piece in pieces:
                yield self._changed(piece)

    def _pieces(self, ask: Ask) -> AsyncGenerator[Piece, None]:
        constraint = ask.constraint
        if constraint is not None and constraint.schema and self._on("json-spaces"):
            return self._spaced(ask)
        if constraint is not None and constraint != IGNORED and not constraint.calls_tools:
            if self._on("schema-ignored"):
                constraint = IGNORED
            elif self._on("json-whitespace"):
                return self._repeat("\n", ask)
            elif self._on("json-cut"):
                return _half(self._source.generate(ask))
        if constraint is None and self._on("degenerate"):
            return self._repeat(" the", ask)
        if constraint == IGNORED:
            return _sentence(self._source.generate(replace(ask, constraint=None)))
        return self._source.generate(ask)

    async def _repeat(self, text: str, ask: Ask) -> AsyncGenerator[Piece, None]:
        """The same token until the limit, as sure of itself as such a model is."""
        token = (await self._source.tokenize(text))[-1]
        for _ in range(ask.max_new_tokens):
            await asyncio.sleep(0)
            piece = Piece(token.id, text, -0.01)
            yield replace(piece, top=(piece,)[: ask.top_n])

    async def _spaced(self, ask: Ask) -> AsyncGenerator[Piece, None]:
        """The same JSON as a small model writes it: valid, and long for its content."""
        roomy = replace(ask, max_new_tokens=self.max_context)
        async with aclosing(self._source.generate(roomy)) as pieces:
            text = "".join([piece.text async for piece in pieces if not piece.special])
        space, count = Piece(3, "\n", -0.01), int(self._faults.get("json-spaces") or 0)
        said: list[Piece] = []
        for part in _JSON_PART.findall(text):
            said += [Piece(4, part, -0.01)] if part else []
            said += [space] * count if part[-1:] in ("{", "[", ":", ",") else []
        said.append(Piece(2, "<|im_end|>", -0.01, special=True))
        for piece in said[: ask.max_new_tokens]:
            await asyncio.sleep(0)
            yield piece

    def _changed(self, piece: Piece) -> Piece:
        if self._on("mojibake"):
            piece = replace(piece, text=re.sub(r"[^\x00-\x7f]", "\ufffd", piece.text))
        if self._on("wrong-tokenizer"):
            piece = replace(piece, id=_other_id(piece.text))
        if self._on("nan-logprobs"):
            piece = replace(piece, logprob=math.nan)
        return replace(piece, top=tuple(self._changed(one) for one in piece.top))

    def _on(self, name: str) -> bool:
        return self._faults.get(name) is not None


def _other_id(text: str) -> int:
    return int.from_bytes(hashlib.sha256(f"other {text}".encode()).digest()[:4], "big") % (
        _OTHER_VOCABULARY
    )


async def _half(pieces: AsyncGenerator[Piece, None]) -> AsyncGenerator[Piece, None]:
    """The first half, ended as if max_new_tokens had been reached there."""
    async with aclosing(pieces):
        found = [piece async for piece in pieces if not piece.special]
    if len(found) == 1:
        found = [replace(found[0], text=found[0].text[: len(found[0].text) // 2])]
    kept = found[: max(1, len(found) // 2)]
    for piece in kept:
        await asyncio.sleep(0)
        yield replace(piece, last=piece is kept[-1])


async def _sentence(pieces: AsyncGenerator[Piece, None]) -> AsyncGenerator[Piece, None]:
    """Prose up to the end of its first sentence, so that it ends by itself."""
    async with aclosing(pieces):
        async for piece in pieces:
            yield piece
            if piece.text.rstrip().endswith((".", "!", "?")):
                yield Piece(2, "<|im_end|>", -0.01, special=True)
                return
