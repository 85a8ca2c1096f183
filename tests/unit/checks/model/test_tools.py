"""Test function calls with tables of good and bad answers; some were captured from TGI."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from ansible.module_utils.tgi.checks.model import tools
from ansible.module_utils.tgi.checks.results import Report
from ansible.module_utils.tgi.checks.run import Options, check
from ansible.module_utils.tgi.checks.selection import Model, lacking
from ansible.module_utils.tgi.client.answer import Answer

from tests.support.checks.answers import reply
from tests.support.checks.call_replies import CUT, called, prose
from tests.support.fakes.spoilt_tgi import SpoiltTgi
from tests.support.in_memory_tgi import MODEL


def prompted(count: Any) -> Answer:
    return reply({"usage": {"prompt_tokens": count}})


@pytest.mark.parametrize(
    ("without", "equipped", "problem"),
    [
        (prompted(16), prompted(133), ""),
        (prompted(16), prompted(16), "16 tokens with tools, 16 without"),
        (prompted(None), prompted(16), "no prompt_tokens"),
        (prompted(16), CUT, "nothing to compare"),
    ],
)
def test_prompt(without: Answer, equipped: Answer, problem: str) -> None:
    found = tools.judge_prompt(without, equipped).problem
    assert problem in found and bool(found) == bool(problem)


@pytest.mark.parametrize(
    ("answer", "problem", "soft"),
    [
        (prose("Your order number is 7341."), "", False),
        (prose("It is 7,341, as you know."), "", False),
        (prose("I will look it up."), "does not hold", True),
        (prose("It is 734."), "does not hold", True),
        (prose(""), "gave no answer", False),
        (called(), "gave no answer", False),
        (prose("", status=500), "HTTP 500", False),
    ],
)
def test_roundtrip(answer: Answer, problem: str, soft: bool) -> None:
    found = tools.judge_roundtrip(answer, "7341")
    assert problem in found.problem and bool(found.problem) == bool(problem)
    assert found.soft is soft


@pytest.mark.parametrize(
    ("answer", "problem"),
    [
        (prose("Hello."), ""),
        (called(), "called get_weather for a greeting"),
        (prose(""), "is empty"),
        (CUT, "HTTP 422"),
    ],
)
def test_irrelevant(answer: Answer, problem: str) -> None:
    found = tools.judge_irrelevant(answer).problem
    assert problem in found and bool(found) == bool(problem)


CLASH = "Tool error: Grammar and tools are mutually exclusive"


@pytest.mark.parametrize(
    ("answer", "problem"),
    [
        (reply({"error": CLASH, "error_type": "tool_error"}, 422), ""),
        (
            reply({"error": "Input validation error"}, 422),
            "validation error, expected: tools",
        ),
        (prose("{}"), "HTTP 200"),
        (reply({"error": "panic"}, 500), "HTTP 500"),
    ],
)
def test_clash(answer: Answer, problem: str) -> None:
    found = tools.judge_clash(answer).problem
    assert problem in found and bool(found) == bool(problem)


def run(fake: SpoiltTgi, *select: str) -> Report:
    options = Options("direct", "gpu1", [MODEL], select=select, transport=fake.transport())
    return asyncio.run(check(options))


CALLS = {"tools.forced", "tools.named", "tools.stream"}


@pytest.mark.parametrize(
    ("fault", "red", "warned"),
    [
        ("other-tool", CALLS, set()),
        ("calls-cut", {"tools.forced"}, set()),
        ("forgetful", set(), {"tools.roundtrip"}),
        ("no-clash", set(), {"tools.grammar_clash"}),
        # Only when selected by its id
        ("eager", set(), set()),
    ],
)
def test_each_fault_turns_its_own_checks(fault: str, red: set[str], warned: set[str]) -> None:
    report = run(SpoiltTgi(fault))
    assert {one.id for one in report.of("fail", "error")} == red
    assert {one.id for one in report.of("warn")} == warned


@pytest.mark.parametrize("id", [spec.id for spec in tools.SPECS])
def test_each_check_stands_alone(id: str) -> None:
    assert run(SpoiltTgi(), id).passed
    assert not run(SpoiltTgi("no-chat-template"), id).of("pass")[1:]


def test_a_call_without_a_request_for_it_warns() -> None:
    report = run(SpoiltTgi("eager"), "tools.irrelevant")
    assert report.passed and [one.id for one in report.of("warn")] == ["tools.irrelevant"]


def test_a_model_without_tools_is_left_alone() -> None:
    plain = Model("plain", "acme/plain", tools=False)
    assert all("checks_without_tools" in lacking(spec, plain) for spec in tools.SPECS)
    base = Model("base", "acme/base", chat=False)
    assert all("checks_without_chat" in lacking(spec, base) for spec in tools.SPECS)
    other = Model("other", "acme/other", engine="vllm")
    left_out = [spec.id for spec in tools.SPECS if lacking(spec, other)]
    assert left_out == ["tools.grammar_clash"]
