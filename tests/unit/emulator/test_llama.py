"""Tokens of llama.cpp's server, which sends one event for a character made of many tokens."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncGenerator
from typing import Any

import pytest
from tgi_emulator.api.chat_state import ChatState
from tgi_emulator.api.native import token_json
from tgi_emulator.source import llama_http
from tgi_emulator.source.text import Ask, Constraint, Piece
from tgi_emulator.source.text_llama import LlamaText
from tgi_emulator.source.tools import schema_for


def event(content: str, predicted: int, *ids: int, **more: Any) -> dict[str, Any]:
    """As captured from xllamacpp 2026.10.11549."""
    seen = [{"id": one, "logprob": -0.5, "top_logprobs": []} for one in ids]
    return {
        "content": content, "tokens_predicted": predicted, "tokens": list(ids),
        "completion_probabilities": seen, **more,
    }  # fmt: skip


PLAIN = Ask("<|im_start|>", 5)
SHIP = event("\U0001f6a2", 3, 112)
CUT = event("", 5, stop=True, stop_type="limit")
ENDED = event("", 4, 2)
END = event("", 4, stop=True, stop_type="eos")


def pieces(
    monkeypatch: pytest.MonkeyPatch, *events: dict[str, Any], ask: Ask = PLAIN
) -> list[Piece]:
    async def replay(*_: Any) -> AsyncGenerator[Any, None]:
        for one in events:
            yield one

    async def collect() -> list[Piece]:
        source = LlamaText()
        source.running = {1: 0}
        return [piece async for piece in source.generate(ask)]

    monkeypatch.setattr(llama_http, "events", replay)
    return asyncio.run(collect())


def test_a_character_counts_as_many_tokens_as_it_is_made_of(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    told = pieces(monkeypatch, SHIP, ENDED, END)
    assert [piece.text for piece in told] == ["", "", "\U0001f6a2", "<|im_end|>"]
    assert [piece.special for piece in told] == [False, False, False, True]


def test_a_limit_within_a_character_is_reached_all_the_same(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Else the generation has no end, and TGI calls it incomplete."""
    told = pieces(monkeypatch, SHIP, CUT)
    assert [piece.text for piece in told] == ["", "", "\U0001f6a2", "", ""]


@pytest.mark.parametrize(
    "ended", [('"', ",", '"'), ('",', '"'), ('"', ", ", '"'), ('","',), ('", "',), ('"', ',"')]
)
def test_a_call_parses_however_its_name_was_ended(
    monkeypatch: pytest.MonkeyPatch, ended: tuple[str, ...]
) -> None:
    """As seen: a lone quote, then the comma, which TGI's own reading would stream as `{,`."""
    texts = ['{"function":{"_name":"set', "_lamp", *ended, "state", '":', '"on', '"', "}", "}"]
    events = [event(text, number, 7) for number, text in enumerate(texts, 1)]
    lamp = {"function": {"name": "set_lamp", "arguments": {"properties": {"state": {}}}}}
    ask = Ask("<|im_start|>user\nx<|im_end|>", 20, constraint=Constraint(schema_for([lamp])))
    state, said = ChatState(True, False, False, "m", "f", "0"), ""
    for piece in pieces(monkeypatch, *events, event("", len(texts), stop=True), ask=ask):
        for chunk in state.push({"token": token_json(piece), "details": None}) or []:
            said += chunk["choices"][0]["delta"]["tool_calls"][0]["function"]["arguments"]
    assert json.loads(said) == {"state": "on"}
