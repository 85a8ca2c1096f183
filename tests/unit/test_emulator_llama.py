"""Tokens of llama.cpp's server, which sends one event for a character made of many tokens."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import AsyncGenerator
from pathlib import Path
from typing import Any

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "emulator"))

from tgi_emulator import llama_http
from tgi_emulator.text import Ask, Piece
from tgi_emulator.text_llama import LlamaText


def event(content: str, predicted: int, *ids: int, **more: Any) -> dict[str, Any]:
    """As captured from xllamacpp 2026.10.11549."""
    seen = [{"id": one, "logprob": -0.5, "top_logprobs": []} for one in ids]
    return {
        "content": content, "tokens_predicted": predicted, "tokens": list(ids),
        "completion_probabilities": seen, **more,
    }  # fmt: skip


SHIP = event("\U0001f6a2", 3, 112)
CUT = event("", 5, stop=True, stop_type="limit")
ENDED = event("", 4, 2)
END = event("", 4, stop=True, stop_type="eos")


def pieces(monkeypatch: pytest.MonkeyPatch, *events: dict[str, Any]) -> list[Piece]:
    async def replay(*_: Any) -> AsyncGenerator[Any, None]:
        for one in events:
            yield one

    async def collect() -> list[Piece]:
        source = LlamaText()
        source.running = {1: 0}
        return [piece async for piece in source.generate(Ask("<|im_start|>", 5))]

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
