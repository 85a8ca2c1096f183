"""Test a client that disconnects, and the engine's counters."""

from __future__ import annotations

import asyncio
from typing import Any

import httpx
import pytest
from ansible.module_utils.tgi.checks.model.cancel import Watch, judge_cancel, patience
from ansible.module_utils.tgi.checks.run import Options, check
from ansible.module_utils.tgi.engines.profiles import ENGINES

from tests.support.checks.answers import chat_events, stream
from tests.support.in_memory_tgi import MODEL, InMemoryTgi


def run(model: Any, fake: InMemoryTgi, *select: str) -> Any:
    options = Options("direct", "x", [model], select=select, transport=fake.transport())
    return {one.id: one for one in asyncio.run(check(options)).checks}


COUNT, DONE = "tgi_request_count", "tgi_request_success"
GAUGE = "tgi_batch_current_size"


@pytest.mark.parametrize(
    ("before", "after", "seconds", "let_go", "problem", "soft"),
    [
        ({}, {COUNT: 1, GAUGE: 0}, 0.1, True, "", False),
        ({}, {COUNT: 1, GAUGE: 1}, 5.0, False, "is still 1", False),
        ({}, {COUNT: 1, DONE: 1, GAUGE: 0}, 4.0, True, "ran to its end", False),
        ({}, {COUNT: 1, DONE: 1, GAUGE: 0}, 0.2, True, "", False),
        ({}, {COUNT: 3, GAUGE: 1}, 5.0, False, "others use the model", True),
        ({COUNT: 7, GAUGE: 2}, {COUNT: 8, GAUGE: 3}, 5.0, False, "others use the model", True),
        ({COUNT: 7, GAUGE: 2}, {COUNT: 9, DONE: 1, GAUGE: 1}, 3.0, True, "", False),
    ],
)
def test_cancel(
    before: dict[str, float], after: dict[str, float], seconds: float, let_go: bool,
    problem: str, soft: bool,
) -> None:  # fmt: skip
    found = judge_cancel(Watch(before, after, seconds, let_go), ENGINES["tgi"].counters)
    assert (problem in found.problem) if problem else not found.problem
    assert found.soft == soft


@pytest.mark.parametrize(("pace", "seconds"), [(0.001, 2.0), (0.01, 2.5), (0.5, 5.0)])
def test_patience_ends_before_the_answer_would(pace: float, seconds: float) -> None:
    assert patience(stream(chat_events("abc"), pace), 503) == pytest.approx(seconds, rel=0.01)


class Unwatched(InMemoryTgi):
    """Work on for a client that is gone, and return no counters from then on."""

    looks = 0

    async def handle(self, request: httpx.Request) -> httpx.Response:
        asked = request.url.path == "/metrics"
        self.looks += asked
        return httpx.Response(500) if asked and self.looks > 2 else await super().handle(request)


def test_an_unread_gauge_has_not_come_back() -> None:
    found = run(MODEL, Unwatched("no-cancel"), "stream.cancel")["stream.cancel"]
    assert found.status == "fail" and "cannot read /metrics after" in found.observed
