"""Figures of streams, and the edge's against the direct view's."""

from __future__ import annotations

import json
from typing import Any

import pytest
from ansible.module_utils.tgi.checks.model import edge_vs_direct, streaming
from ansible.module_utils.tgi.client.answer import Answer
from hypothesis import given
from hypothesis import strategies as st

DIRECT = {
    "ttft_ms": 30.0, "chunks": 20, "bursts": 20, "events_per_read": 1.0,
    "finish_reason": "length", "completion_tokens": 20,
}  # fmt: skip


def event(text: str, finish: str | None = None) -> str:
    choice = {"index": 0, "delta": {"content": text}, "finish_reason": finish}
    return f"data: {json.dumps({'choices': [choice]})}\n\n"


def made(
    count: int = 20, gap: float = 0.01, group: int = 1, finish: str | None = "length",
    tokens: int | None = 20, headers: dict[str, str] | None = None,
) -> Answer:  # fmt: skip
    """``count`` events, ``group`` of them in each piece, a piece every ``gap`` seconds."""
    events = [event(f"w{n} ") for n in range(count - 1)] + [event("end", finish)]
    pieces = ["".join(events[at : at + group]) for at in range(0, count, group)]
    chunks = [(0.05 + n * gap, piece.encode()) for n, piece in enumerate(pieces)]
    if tokens is not None:
        usage = {"prompt_tokens": 3, "completion_tokens": tokens, "total_tokens": 3 + tokens}
        last = f"data: {json.dumps({'choices': [], 'usage': usage})}\n\ndata: [DONE]\n\n"
        chunks.append((chunks[-1][0] + 0.001, last.encode()))
    return Answer(200, {"content-type": "text/event-stream", **(headers or {})}, chunks, ms=300)


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


def test_events_one_by_one_pass() -> None:
    found = streaming.judge_bursts(made())
    assert not found.problem and "20 bursts for 20 chunks" in found.observed


@pytest.mark.parametrize(("group", "said"), [(2, "merged: 2 events"), (10, "buffered: 2 bursts")])
def test_events_in_heaps_fail(group: int, said: str) -> None:
    found = streaming.judge_bursts(made(group=group))
    assert found.problem.startswith(said) and not found.soft and not found.remedy


def test_an_engine_that_sends_heaps_is_blamed_itself() -> None:
    direct: dict[str, Any] = {**DIRECT, "bursts": 2, "events_per_read": 10.0}
    found = streaming.judge_bursts(made(group=10), direct)
    assert found.problem and "engine itself" in found.remedy and "direct view" in found.evidence


def test_a_few_events_in_one_piece_are_no_merging() -> None:
    # 24 events of which two pairs came together, as a loaded machine may read them
    answer = made(count=24)
    pieces = answer.chunks
    for at in (9, 4):
        pieces[at : at + 2] = [(pieces[at][0], pieces[at][1] + pieces[at + 1][1])]
    assert not streaming.judge_bursts(answer).problem


def test_too_few_events_are_no_verdict() -> None:
    found = streaming.judge_bursts(made(count=10))
    assert found.problem and found.soft


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


@pytest.mark.parametrize(
    ("headers", "said"),
    [
        ({}, ""),
        ({"cache-control": "no-store"}, ""),
        ({"content-length": "900"}, "Content-Length"),
        ({"cache-control": "public, max-age=60"}, "a cache may keep it: public"),
        ({"age": "3"}, "it has an Age"),
    ],
)
def test_headers_of_a_stream(headers: dict[str, str], said: str) -> None:
    found = streaming.judge_header(made(headers=headers))
    assert said in found.problem and bool(found.problem) == bool(said)


def test_an_engine_whose_header_makes_it_flow_is_noted() -> None:
    found = streaming.judge_header(made(), {"unbuffered_by_engine": True})
    assert not found.problem and "X-Accel-Buffering" in found.observed


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
