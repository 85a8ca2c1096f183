"""Test pinned digests of token ids and of a golden text."""

from __future__ import annotations

import pytest
from ansible.module_utils.tgi.checks.model.fingerprint import digest, judge_golden, judge_tokenizer
from ansible.module_utils.tgi.client.answer import Answer

from tests.support.checks.answers import chat_events, error, reply, silent, stream

IDS = [{"id": 5, "text": "a", "start": 0, "stop": 1}, {"id": 9, "text": "b", "start": 1, "stop": 2}]
PIN = digest([5, 9])


@pytest.mark.parametrize(
    ("answer", "pinned", "problem", "observed"),
    [
        (reply(IDS), "", "", f"not pinned (tokenizer: {PIN})"),
        (reply(IDS), PIN.upper(), "", "as pinned"),
        (reply(IDS[:1]), PIN, "differs from the pinned", ""),
        (reply([]), "", "no list of token ids", ""),
        (reply([{"id": None}]), "", "no list of token ids", ""),
        (reply({"tokens": [1]}), "", "no list of token ids", ""),
        (reply(IDS * 20), "", "40 tokens for 2 bytes", ""),
        (error("no", 404), "", "HTTP 404", ""),
    ],
)
def test_tokenizer(answer: Answer, pinned: str, problem: str, observed: str) -> None:
    found = judge_tokenizer(answer, "ab", pinned)
    assert (problem in found.problem) if problem else not found.problem
    assert observed in found.observed


@pytest.mark.parametrize(
    ("answer", "pinned", "problem"),
    [
        (stream(chat_events("and then")), "", ""),
        (stream(chat_events("and then")), digest("and then"), ""),
        (stream(chat_events("but then")), digest("and then"), "differs from the pinned"),
        (stream(chat_events(" ")), "", "is empty"),
        (stream(chat_events("and then", None)), "", "without an ending"),
        (silent(), "", "connection refused"),
    ],
)
def test_golden(answer: Answer, pinned: str, problem: str) -> None:
    found = judge_golden(answer, pinned)
    assert (problem in found.problem) if problem else not found.problem
