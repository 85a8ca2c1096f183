"""Test characters of several bytes in streams."""

from __future__ import annotations

import json

import pytest
from ansible.module_utils.tgi.checks.judges import utf8
from ansible.module_utils.tgi.client.answer import Answer

from tests.support.checks.answers import reply

DOWN = Answer(0, {}, [], "connection refused")


def stream(*texts: str, finish: str | None = "stop", ascii_only: bool = True) -> Answer:
    events = [{"choices": [{"index": 0, "delta": {"content": text}}]} for text in texts]
    if finish:
        events.append({"choices": [{"index": 0, "delta": {}, "finish_reason": finish}]})
    lines = [f"data: {json.dumps(one, ensure_ascii=ascii_only)}\n\n" for one in events]
    body = "".join(lines).encode("utf-8", "surrogatepass")
    return Answer(200, {"content-type": "text/event-stream"}, [(0.0, body)])


SHIP = "\U0001f6a2"


@pytest.mark.parametrize(
    ("answer", "problem"),
    [
        (stream("\u00e9 ", "\u65e5", f"\u672c {SHIP}"), ""),
        (stream("\u00e9 ", f"\u672c {SHIP}", ascii_only=False), ""),
        (stream("\u00e9 ", "\ufffd\ufffd", SHIP), "characters were lost"),
        (stream("\u00e9 \ufffd"), "characters were lost"),
        (stream("\u00e9 \ufffd", finish="length"), ""),
        (stream("\u00e9 ", "\ud83d", "\udea2"), "characters were lost"),
        (stream("\u00e9 ", "\ud83d", ascii_only=False), "characters were lost"),
        (stream("\u00e9", finish=None), "cut short"),
        (stream(""), "is empty"),
        (DOWN, "refused"),
        (reply({"error": "failed"}, 424), "HTTP 424"),
        (reply({"error": "failed"}), "content-type"),
    ],
)
def test_letters(answer: Answer, problem: str) -> None:
    found = utf8.judge_letters(answer)
    assert problem in found.problem and bool(found.problem) == bool(problem)
    assert not found.soft


def test_a_stream_of_plain_letters_shows_nothing() -> None:
    found = utf8.judge_letters(stream("I cannot say that."))
    assert found.soft and "nothing to check" in found.problem
