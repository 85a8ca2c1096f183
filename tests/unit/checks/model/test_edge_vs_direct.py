"""Test figures of streams, and the edge view's against the direct view's."""

from __future__ import annotations

import json

import pytest
from ansible.module_utils.tgi.checks.model import edge_vs_direct
from ansible.module_utils.tgi.client.answer import Answer
from hypothesis import given
from hypothesis import strategies as st

from tests.support.checks.timed_streams import DIRECT, made


def test_figures() -> None:
    assert edge_vs_direct.figures_of(made()) == {
        "ttft_ms": 50.0, "tpot_ms": 10.0, "e2e_ms": 240.0, "chunks": 20, "bursts": 20,
        "events_per_read": 1.0, "finish_reason": "length", "completion_tokens": 20,
        "unbuffered_by_engine": False,
    }  # fmt: skip


def test_figures_that_are_not_known() -> None:
    assert edge_vs_direct.figures_of(Answer(500)) == {}
    bare = edge_vs_direct.figures_of(made(tokens=None, finish=None))
    assert (bare["tpot_ms"], bare["finish_reason"], bare["completion_tokens"]) == (None,) * 3
    assert edge_vs_direct.figures_of(made(count=1, tokens=1))["tpot_ms"] is None


def test_the_stream_of_the_direct_view_says_who_asks_for_it() -> None:
    assert edge_vs_direct.figures_of(made(headers={"x-accel-buffering": "no"}))[
        "unbuffered_by_engine"
    ]


@pytest.mark.parametrize(
    ("answer", "said", "soft"),
    [
        (made(), "", False),
        (made(finish="stop", tokens=19), "finish_reason stop, length", True),
        (made(tokens=18), "18 tokens, 20", False),
        (made(tokens=None), "no completion_tokens here", False),
        (made(finish=None), "no finish_reason here", False),
        (made(count=9), "events are lost or merged", False),
        (Answer(502), "HTTP 502", True),
    ],
)
def test_the_same_stream_in_both_views(answer: Answer, said: str, soft: bool) -> None:
    found = edge_vs_direct.judge_same(answer, DIRECT)
    assert said in found.problem and bool(found.problem) == bool(said)
    assert found.soft == soft


@pytest.mark.parametrize(
    ("ttfts", "slow"), [([50.0], False), ([131.0], True), ([400.0, 60.0, 70.0], False)]
)
def test_latency_is_that_of_the_median(ttfts: list[float], slow: bool) -> None:
    assert bool(edge_vs_direct.judge_latency(ttfts, DIRECT).problem) == slow


def test_no_first_token_is_no_pass() -> None:
    assert edge_vs_direct.judge_latency([], DIRECT).problem
    assert edge_vs_direct.judge_latency([5.0], {"ttft_ms": None}).problem


@given(st.lists(st.tuples(st.floats(0, 9), st.binary(max_size=80)), max_size=12), st.booleans())
def test_no_stream_breaks_the_figures(chunks: list[tuple[float, bytes]], framed: bool) -> None:
    said = [(at, b"data: " + data + b"\n\n" if framed else data) for at, data in chunks]
    figures = edge_vs_direct.figures_of(Answer(200, {}, said))
    edge_vs_direct.judge_same(Answer(200, {}, said), DIRECT)
    assert figures == {} or figures["chunks"] >= 1


@pytest.mark.parametrize("tokens", [10**400, -5, 0])
def test_a_count_that_cannot_be_is_none(tokens: int) -> None:
    answer = made()
    usage = {"prompt_tokens": 3, "completion_tokens": tokens, "total_tokens": 3}
    answer.chunks[-1] = (0.3, f"data: {json.dumps({'choices': [], 'usage': usage})}\n\n".encode())
    assert edge_vs_direct.figures_of(answer)["completion_tokens"] is None
