"""Test an unknown model name with each kind of engine."""

from __future__ import annotations

import pytest
from ansible.module_utils.tgi.checks.model.direct_identity import judge_unknown
from ansible.module_utils.tgi.client.answer import Answer
from ansible.module_utils.tgi.engines.profiles import ENGINES

from tests.support.checks.answers import chat_reply, error, silent


@pytest.mark.parametrize(
    ("engine", "answer", "problem"),
    [
        ("tgi", chat_reply("a"), ""),
        ("vllm", chat_reply("a"), "HTTP 200"),
        ("vllm", error("no such model", 404), ""),
        ("tgi", error("no such model", 404), ""),
        ("openai", error("pinned", 400), ""),
        ("tgi", error("adapter not found", 500), "HTTP 500"),
        ("tgi", silent(), "connection refused"),
    ],
)
def test_unknown_model(engine: str, answer: Answer, problem: str) -> None:
    found = judge_unknown(answer, ENGINES[engine])
    assert (problem in found.problem) if problem else not found.problem
    assert not found.soft
