"""Test more requests at one time than declared."""

from __future__ import annotations

import pytest
from ansible.module_utils.tgi.checks.model.overload import judge_overload
from ansible.module_utils.tgi.client.answer import Answer

from tests.support.checks.answers import chat_reply, reply, silent

REFUSED = reply({"error": "Model is overloaded", "error_type": "overloaded"}, 429)
THEIRS = reply("<html>", 429, server="nginx")


@pytest.mark.parametrize(
    ("answers", "problem", "soft"),
    [
        ([chat_reply("a"), REFUSED], "", False),
        ([chat_reply("a"), chat_reply("b")], "were answered", True),
        ([chat_reply("a"), THEIRS], "a proxy sent the 429", False),
        ([chat_reply("a"), REFUSED, reply("", 500)], "1 of 3 requests failed: HTTP 500", False),
        ([chat_reply("a"), silent()], "failed: connection refused", False),
    ],
)
def test_overload(answers: list[Answer], problem: str, soft: bool) -> None:
    found = judge_overload(answers, 1)
    assert (problem in found.problem) if problem else not found.problem
    assert found.soft == soft
