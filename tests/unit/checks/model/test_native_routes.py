"""Test TGI's own routes with tables of good and bad answers."""

from __future__ import annotations

from typing import Any

import pytest
from ansible.module_utils.tgi.checks.model import native_routes
from ansible.module_utils.tgi.client.answer import Answer

from tests.support.checks.answers import reply

REFUSED = {"error": "Input validation error: `inputs` cannot be empty", "error_type": "validation"}


@pytest.mark.parametrize(
    ("answer", "problem"),
    [
        (reply(REFUSED, 422), ""),
        (reply({"generated_text": ""}), "an empty prompt: HTTP 200, 422 expected"),
        (reply({"error": "panic"}, 500), "an empty prompt: HTTP 500 panic, 422 expected"),
        (reply({"detail": "no"}, 422), "error_type is None, not validation"),
        (Answer(0, {}, [], "connection refused"), "connection refused"),
    ],
)
def test_reject(answer: Answer, problem: str) -> None:
    good = reply(REFUSED, 422)
    found = native_routes.judge_reject({"an empty prompt": answer, "max_new_tokens 0": good})
    assert problem in found.problem and bool(found.problem) == bool(problem)
    assert found.evidence or not problem


def stopped(words: list[str], reason: str) -> Answer:
    tokens = [{"id": 1, "logprob": -0.5, "special": False, "text": word} for word in words]
    details = {"finish_reason": reason, "generated_tokens": len(words), "tokens": tokens}
    return reply({"generated_text": "".join(words), "details": details})


@pytest.mark.parametrize(
    ("answer", "problem", "soft"),
    [
        (stopped([" Par", "is", " the"], "stop_sequence"), "", False),
        # Inside a token it does not end the text
        (stopped([" Venice", " is", " the"], "length"), "2 tokens came after", False),
        (stopped([" Berlin", " is", " the"], "stop_sequence"), "", False),
        (stopped([" the", " city"], "length"), "1 tokens came after", False),
        (stopped([" the"], "length"), "finish_reason is length", False),
        (stopped([" Paris"], "stop_sequence"), "that did not come", False),
        (stopped([" Paris", " is"], "length"), "nothing to check", True),
        (stopped([], "length"), "no tokens", False),
        (reply(REFUSED, 422), "HTTP 422", False),
    ],
)
def test_stop(answer: Answer, problem: str, soft: bool) -> None:
    found = native_routes.judge_stop(answer)
    assert problem in found.problem and bool(found.problem) == bool(problem)
    assert found.soft is soft


@pytest.mark.parametrize(
    ("value", "problem"),
    [
        ([{"generated_text": "Request x. Paris"}], ""),
        ({"generated_text": "Paris"}, "not a list"),
        ([{"generated_text": "a"}, {"generated_text": "b"}], "not a list"),
        ([{"generated_text": None}], "not a list"),
        ([{"generated_text": " "}], "is empty"),
        ([{"generated_text": "Request x."}], "is empty"),
        ([], "not a list"),
    ],
)
def test_compat(value: Any, problem: str) -> None:
    found = native_routes.judge_compat(reply(value), "Request x.").problem
    assert problem in found and bool(found) == bool(problem)
