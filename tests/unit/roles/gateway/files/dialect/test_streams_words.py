"""Test the words that nginx exchanges in streams: it makes of each event what njs would."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest

from tests.support.gateway.dialect import CHAT, COMPLETIONS, FRESH, NJS, ask, streamed
from tests.support.gateway.stream_events import DONE, USAGE, call, completed, event, piece
from tests.support.render_gateway import render

pytestmark = pytest.mark.skipif(NJS is None, reason="njs is not installed")


@pytest.fixture(scope="module")
def words() -> dict[str, str]:
    """What nginx puts in place of what, in the locations of a dialect."""
    pairs = re.findall("sub_filter '(.*)' '(.*)';", render()["nginx.conf"])
    assert pairs
    return {old: new.replace("$request_id", FRESH) for old, new in pairs}


def exchanged(text: str, words: dict[str, str]) -> str:
    """Exchange words as nginx does: from left to right. Which of several fits is not defined."""
    out, at = "", 0
    while at < len(text):
        fits = [one for one in words if text.startswith(one, at)]
        assert len(fits) <= 1
        out += words[fits[0]] if fits else text[at]
        at += len(fits[0]) if fits else 1
    return out


def failed(message: str) -> str:
    error = {"error": {"message": message, "http_status_code": 422}}
    return f"data: {json.dumps(error, separators=(',', ':'), ensure_ascii=False)}\n\n"


HOSTILE = '"id":"" "finish_reason":"eos_token" {"error":{"message":"","http_status_code":422}'
BROKEN = "Request failed during generation: Server error: out of memory"
EVENTS = [
    *(piece(text) for text in ("é", HOSTILE, "")),
    *(piece("a", reason) for reason in ("stop_sequence", "eos_token", "length", "")),
    *(failed(text) for text in (BROKEN, BROKEN + HOSTILE, "Incomplete generation")),
    event([], USAGE), DONE, ": keep-alive\n\n",
]  # fmt: skip


def test_an_event_becomes_what_njs_would_make_of_it(words: dict[str, str]) -> None:
    by_njs = streamed([[given] for given in EVENTS], {"route": CHAT})
    for given, wanted in zip(EVENTS, by_njs, strict=True):
        made = exchanged(given, words)
        if given.startswith("data: {"):
            assert json.loads(made[6:]) == json.loads(wanted[6:])
            assert exchanged(wanted, words) == wanted
        else:
            assert made == wanted == given


def test_only_streams_of_text_in_the_engines_spelling_are_left_to_nginx() -> None:
    plan: dict[str, Any] = {"route": CHAT}
    cases: list[tuple[str, dict[str, Any], bool]] = [
        (piece("a"), plan, True),
        (piece("a")[:60], plan, True),
        (piece("a").replace('"id":""', '"id": ""'), plan, False),
        (failed("Model is overloaded"), plan, False),
        (piece("a"), {**plan, "stop": ["x"]}, False),
        (call("{", "f"), {**plan, "tools": True}, False),
        (completed("a"), {"route": COMPLETIONS}, False),
    ]
    found = ask("streams", "literal", [[text, plan] for text, plan, _ in cases])
    assert found == [wanted for _, _, wanted in cases]
