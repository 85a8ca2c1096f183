"""Test whether events of a stream arrive one by one."""

from __future__ import annotations

import asyncio
from types import SimpleNamespace
from typing import Any

import pytest
from ansible.module_utils.tgi.checks.model import streaming
from ansible.module_utils.tgi.client.answer import Answer

from tests.support.checks.timed_streams import DIRECT, made


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


@pytest.mark.parametrize("group", [2, 10])
def test_a_stream_that_ends_at_once_shows_no_buffering(group: int) -> None:
    answer = made(group=group)
    # 20 events in 11 ms, as two_machines' emulator once sent them
    answer.ms = 11
    found = streaming.judge_bursts(answer)
    assert found.soft and "0.6 ms a token, too fast to detect buffering" in found.problem


class Streams:
    """A session whose streams come in bursts until the one of that number."""

    def __init__(self, good: int) -> None:
        self.good, self.asked = good, 0
        self.model = SimpleNamespace(figures={}, profile=SimpleNamespace(abilities=frozenset()))

    async def chat_stream(self) -> Answer:
        return await self.ask_stream({})

    async def ask_stream(self, _: object) -> Answer:
        self.asked += 1
        return made(group=1 if self.asked == self.good else 10)


@pytest.mark.parametrize(("good", "asked"), [(1, 1), (3, 3), (9, 4)])
def test_a_stream_is_buffered_when_every_one_of_several_is(good: int, asked: int) -> None:
    session: Any = Streams(good)
    found = asyncio.run(streaming.stream_unbuffered(session))
    assert session.asked == asked and found.attempts == asked
    assert bool(found.problem) == (good > asked)


@pytest.mark.parametrize(("good", "asked"), [(7, 7), (99, 9)])
def test_a_busy_machine_asks_more_often_and_then_only_warns(
    good: int, asked: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def late(stream: Any) -> tuple[Answer, float]:
        return await stream, 0.9

    monkeypatch.setattr(streaming, "stalled", late)
    monkeypatch.setattr(streaming, "_PAUSE", 0)
    session: Any = Streams(good)
    found = asyncio.run(streaming.stream_unbuffered(session))
    assert session.asked == asked and found.attempts == asked
    assert bool(found.problem) == found.soft == (good > asked)
    assert not found.problem or "too busy to tell" in found.problem


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
    ("headers", "said"),
    [
        ({}, ""),
        ({"cache-control": "no-store"}, ""),
        ({"content-length": "900"}, "Content-Length"),
        ({"cache-control": "public, max-age=60"}, "a cache may store it: public"),
        ({"age": "3"}, "it has an Age"),
    ],
)
def test_headers_of_a_stream(headers: dict[str, str], said: str) -> None:
    found = streaming.judge_header(made(headers=headers))
    assert said in found.problem and bool(found.problem) == bool(said)


def test_an_engine_whose_header_makes_it_flow_is_noted() -> None:
    found = streaming.judge_header(made(), {"unbuffered_by_engine": True})
    assert not found.problem and "X-Accel-Buffering" in found.observed
