"""Run all checks against servers that answer anything: never a traceback, never a pass.

Every check of both catalogues takes part. Hypothesis chooses the answers; the clock is fake.
By default each test tries 30 runs. ``TGI_FUZZ=1 pytest tests/unit/checks`` tries all examples of
these tests and of the judges' (every night); ``TGI_FUZZ=20`` tries 20 times as many, other ones
each time.
"""

from __future__ import annotations

from dataclasses import asdict, replace
from typing import Any

import httpx
import pytest
from ansible.module_utils.tgi.checks.report.text_table import make_table
from ansible.module_utils.tgi.checks.results import ERROR, Report, scrub
from hypothesis import given
from hypothesis import strategies as st

from tests.support.checks.fuzz import (
    EFFORT,
    Change,
    Raw,
    change,
    changes,
    examples,
    fractions,
    garbage,
)
from tests.support.checks.fuzz_run import VIEWS, no_network, run_quietly, server_of, unprintable
from tests.support.fakes.gateway import KEY, Engine
from tests.support.in_memory_tgi import InMemoryTgi

#: Whole runs by default; each changes about 100 answers.
RUNS = 30
#: Answers that the servers gave.
GIVEN = {"random": 0, "changed": 0}


@pytest.fixture(autouse=True, scope="module")
def quick() -> Any:
    with pytest.MonkeyPatch.context() as patch:
        no_network(patch)
        yield


class Pieces(httpx.AsyncByteStream):
    """Return a body cut anywhere, as from a network."""

    def __init__(self, body: bytes, at: float) -> None:
        self.parts = [body[: int(at * len(body))], body[int(at * len(body)) :]]

    async def __aiter__(self) -> Any:
        for part in self.parts:
            if part:
                yield part


def respond(raw: Raw, at: float) -> httpx.Response:
    # As bytes: httpx accepts only ASCII text, but a server may send anything
    headers = [(name.encode(), value.encode("utf-8")) for name, value in raw.headers]
    return httpx.Response(raw.status, headers=headers, stream=Pieces(raw.body, at))


def run(view: str, handle: Any) -> Report:
    report = run_quietly(view, handle)
    assert len(report.checks) == len(report.planned)
    broken = [f"{one.name}: {one.observed}" for one in report.of(ERROR)]
    assert not broken, broken
    for one in report.checks:
        for name, value in asdict(one).items():
            assert not (isinstance(value, str) and unprintable(value)), (one.id, name, value)
    assert not unprintable(report.message())
    make_table(report).encode()
    assert KEY not in str(scrub(report.rows(), [KEY]))
    return report


@pytest.mark.parametrize("view", VIEWS)
def test_a_healthy_server_passes_in_fast_time(view: str) -> None:
    fake = server_of(view)
    assert run(view, fake.handle).passed


@pytest.mark.parametrize("view", VIEWS)
@examples(150, few=RUNS)
@given(answers=st.lists(garbage, min_size=1, max_size=8), at=fractions)
def test_garbage_is_no_pass(view: str, answers: list[Raw], at: float) -> None:
    asked = 0

    async def handle(_: httpx.Request) -> httpx.Response:
        nonlocal asked
        asked += 1
        return respond(answers[asked % len(answers)], at)

    assert not run(view, handle).passed
    GIVEN["random"] += asked


@pytest.mark.parametrize("view", VIEWS)
@examples(150, few=RUNS)
@given(
    todo=st.lists(changes, min_size=1, max_size=5), every=st.integers(1, 4), at=fractions
)  # fmt: skip
def test_a_damaged_answer_is_no_traceback(
    view: str, todo: list[Change], every: int, at: float
) -> None:
    fake = server_of(view)
    asked = 0

    async def handle(request: httpx.Request) -> httpx.Response:
        nonlocal asked
        asked += 1
        raw = await recorded(fake, request)
        if asked % every == 0:
            GIVEN["changed"] += 1
            raw = change(raw, todo[asked // every % len(todo)])
        return respond(raw, at)

    run(view, handle)


async def recorded(fake: Engine, request: httpx.Request) -> Raw:
    response = await fake.handle(request)
    return Raw(response.status_code, tuple(response.headers.items()), await response.aread())


@pytest.mark.parametrize("view", VIEWS)
@examples(60, few=RUNS)
@given(at=fractions, pieces=fractions)
def test_a_cut_answer_is_no_pass(view: str, at: float, pieces: float) -> None:
    """End every generation early, at the same place, without an error."""
    fake = server_of(view)

    async def handle(request: httpx.Request) -> httpx.Response:
        raw = await recorded(fake, request)
        if request.method == "POST":
            raw = change(raw, Change("cut", at, 0, None))
        return respond(raw, pieces)

    assert not run(view, handle).passed


def test_enough_was_tried() -> None:
    assert sum(GIVEN.values()) >= (10_000 if EFFORT >= 1 else 3_000), GIVEN


@pytest.mark.parametrize("number", ["NaN", "-Inf", "+Inf"])
def test_counters_that_are_no_numbers_are_no_witness(number: str) -> None:
    fake = InMemoryTgi()

    async def handle(request: httpx.Request) -> httpx.Response:
        raw = await recorded(fake, request)
        if request.url.path == "/metrics":
            lines = [line.rpartition(b" ")[0] for line in raw.body.splitlines()]
            raw = replace(raw, body=b"".join(b"%s %s\n" % (one, number.encode()) for one in lines))
        return respond(raw, 0)

    report = run("direct", handle)
    assert [one.id for one in report.of("fail")] == ["metrics.format"]
    assert "metrics.delta" in {one.id for one in report.of("not_judged")}
