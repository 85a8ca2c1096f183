"""Test /v1/completions with tables of good and bad answers; good ones come from TGI."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest
from ansible.module_utils.tgi.checks.model import completions
from ansible.module_utils.tgi.checks.run import Options, check
from ansible.module_utils.tgi.checks.selection import Model, lacking
from ansible.module_utils.tgi.client.answer import Answer

from tests.support.checks.answers import reply
from tests.support.fakes.spoilt_tgi import SpoiltTgi
from tests.support.in_memory_tgi import MODEL

ASKED = completions.prompt("bcdfgh")
SSE = {"content-type": "text/event-stream"}


def completion(**changes: Any) -> dict[str, Any]:
    """Return TGI 3's answer (integration-tests, completions_single), cut to 4 tokens."""
    choice = {"finish_reason": "length", "index": 0, "logprobs": None, "text": " A Beginner\u2019s"}
    counts = {"completion_tokens": 4, "prompt_tokens": 6, "total_tokens": 10}
    whole = {"object": "text_completion", "id": "", "choices": [choice], "usage": counts}
    choice.update({key: changes.pop(key) for key in list(changes) if key in choice})
    return {**whole, **changes}


@pytest.mark.parametrize(
    ("value", "problem"),
    [
        (completion(), ""),
        (completion(finish_reason="eos_token"), ""),
        (completion(text=ASKED + " Paris"), "repeats the prompt"),
        (completion(text=""), "text is empty"),
        (completion(text=None), "text is empty"),
        (completion(object="chat.completion"), "not text_completion"),
        (completion(finish_reason=""), "finish_reason is"),
        (completion(finish_reason="abort"), "finish_reason is abort"),
        (completion(usage=None), "usage is missing"),
        (completion(usage={"prompt_tokens": 6, "completion_tokens": 4, "total_tokens": 9}), "add"),
        (completion(usage={"prompt_tokens": 6, "completion_tokens": 9, "total_tokens": 15}), "9"),
        (completion(choices=[]), "exactly one choice"),
        ({"error": {"message": "out of memory"}}, "an error under HTTP 200: out of memory"),
        ([], "exactly one choice"),
    ],
)
def test_completion(value: Any, problem: str) -> None:
    found = completions.judge_completion(reply(value), ASKED).problem
    assert problem in found and bool(found) == bool(problem)


def event(text: str, reason: str = "", **more: Any) -> dict[str, Any]:
    return {"choices": [{"finish_reason": reason, "index": 0, "text": text}], **more}


USAGE = {"completion_tokens": 2, "prompt_tokens": 3, "total_tokens": 5}
LAST = event("Paris", "length", usage=USAGE)
ERROR = {"error": {"message": "CUDA error", "http_status_code": 422}}


@pytest.mark.parametrize(
    ("events", "problem"),
    [
        ([event(" A"), LAST, "[DONE]"], ""),
        # vLLM: null until the end, usage in an event of its own
        ([event(" A", None), event("B", "stop"), {"choices": [], "usage": USAGE}, "[DONE]"], ""),  # type: ignore[arg-type]
        ([event(ASKED), LAST, "[DONE]"], "repeats the prompt"),
        ([event(" A"), LAST], "[DONE] is not the last"),
        ([event(" A"), "[DONE]"], "finish_reason never came"),
        ([event(" A"), ERROR, "[DONE]"], "CUDA error"),
        ([event(" A"), event("B", "length"), "[DONE]"], "usage came 0 times"),
        ([LAST, event("late"), "[DONE]"], "text came after"),
        ([event(""), event("", "length", usage=USAGE), "[DONE]"], "text is empty"),
        ([event(" A"), event("<|im_end|>", "eos_token", usage=USAGE), "[DONE]"], ""),
        ([event("<|im_end|>", "eos_token", usage=USAGE), "[DONE]"], "text is empty"),
    ],
)
def test_completion_stream(events: list[Any], problem: str) -> None:
    lines = [f"data: {one if isinstance(one, str) else json.dumps(one)}\n\n" for one in events]
    answer = Answer(200, SSE, [(0.0, "".join(lines).encode())])
    found = completions.judge_completion_stream(answer, ASKED)
    said = f"{found.problem} {found.evidence}"
    assert problem in said and bool(found.problem) == bool(problem)


def test_an_engine_without_done_needs_none() -> None:
    body = "".join(f"data: {json.dumps(one)}\n\n" for one in (event(" A"), LAST))
    answer = Answer(200, SSE, [(0.0, body.encode())])
    assert not completions.judge_completion_stream(answer, ASKED, done=False).problem


@pytest.mark.parametrize(
    ("fault", "red", "warned"),
    [
        ("accepts-anything", {"generate.reject"}, set()),
        ("no-list", set(), {"generate.compat"}),
    ],
)
def test_each_fault_turns_its_own_checks(fault: str, red: set[str], warned: set[str]) -> None:
    transport = SpoiltTgi(fault).transport()
    report = asyncio.run(check(Options("direct", "gpu1", [MODEL], transport=transport)))
    assert {one.id for one in report.of("fail", "error")} == red
    assert {one.id for one in report.of("warn")} == warned


@pytest.mark.parametrize("id", [spec.id for spec in completions.SPECS])
def test_each_check_stands_alone(id: str) -> None:
    """Run one check; the engine's counters must show its generations too."""
    options = Options("direct", "gpu1", [MODEL], transport=SpoiltTgi().transport())
    report = asyncio.run(check(Options(**{**vars(options), "select": [id, "metrics.delta"]})))
    assert report.passed and len(report.checks) == 3


def test_a_base_model_is_asked_too() -> None:
    base = Model("base", "acme/base", chat=False, tools=False)
    assert not any(lacking(spec, base) for spec in completions.SPECS)
