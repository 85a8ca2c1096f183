"""Test the rough speed checks: limits only if set, and batching by overlap."""

from __future__ import annotations

import pytest
from ansible.module_utils.tgi.checks.judges.dialect import Streamed, read_stream
from ansible.module_utils.tgi.checks.model.speed import judge_batching, judge_slo

from tests.support.checks.answers import chat_events, stream

ALONE = Streamed("a b", "stop", [0.1, 0.2, 0.3])


def at(start: float, end: float) -> Streamed:
    return Streamed("a b", "stop", [start, (start + end) / 2, end])


@pytest.mark.parametrize(
    ("which", "slo", "bad"),
    [(0, 0, False), (0, 99, True), (0, 101, False), (1, 0, False), (1, 99, True), (1, 101, False)],
)
def test_slo(which: int, slo: float, bad: bool) -> None:
    found = judge_slo(ALONE, which, slo)
    assert bool(found.problem) == bad
    assert "100.0 ms" in found.observed


def test_without_tokens_there_is_no_time() -> None:
    assert judge_slo(Streamed(problem="HTTP 424"), 0, 0).problem == "no TTFT: HTTP 424"
    assert judge_slo(Streamed("a", "stop", [0.1]), 1, 0).problem


@pytest.mark.parametrize(
    ("streams", "problem"),
    [
        ([at(0.1, 0.4)] * 4, ""),
        ([at(0.1, 0.2), at(0.2, 0.3), at(0.3, 0.4), at(0.39, 0.5)], ""),
        ([at(0.1, 0.2), at(0.2, 0.3), at(0.3, 0.4), at(0.4, 0.5)], "one after the other"),
        ([at(0.043, 0.044), at(0.051, 0.052)], ""),
        ([at(0.1, 0.4), Streamed(problem="HTTP 500")], "1 of 2 simultaneous streams failed"),
        ([at(0.1, 0.4), Streamed()], "1 of 2 simultaneous streams failed"),
    ],
)
def test_batching(streams: list[Streamed], problem: str) -> None:
    found = judge_batching(ALONE, streams)
    assert (problem in found.problem) if problem else not found.problem


def test_times_are_those_of_tokens() -> None:
    events = [{"choices": [{"delta": {"role": "assistant", "content": ""}}]}, *chat_events("ab")]
    assert read_stream(stream(events, 0.5)).times == [1.0, 1.5]
