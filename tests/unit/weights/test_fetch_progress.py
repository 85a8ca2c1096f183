"""Test rate, time left and throttle."""

from __future__ import annotations

from pathlib import Path

import pytest
from ansible.module_utils.tgi.weights.fetch_progress import (
    FetchProgress,
    progress_line,
    read_progress,
)

MIB = 1 << 20


class Clock:
    """A clock that only sleep and the test move."""

    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.now += seconds


@pytest.fixture
def clock() -> Clock:
    return Clock()


def test_another_process_reads_a_line(tmp_path: Path, clock: Clock) -> None:
    path = tmp_path / "progress.json"
    progress = FetchProgress(path, "org/name", clock=clock)
    progress.begin("fetch", 100 * MIB)
    progress.held(20 * MIB)
    for _ in range(10):
        clock.sleep(1)
        progress.add(2 * MIB)
    line = progress_line(read_progress(path))
    assert line == "org/name: fetch 40.0 MiB of 100.0 MiB (40 %), 2.0 MiB/s, 30 s left"


def test_the_rate_forgets_what_was_long_ago(tmp_path: Path, clock: Clock) -> None:
    progress = FetchProgress(tmp_path / "progress.json", "org/name", clock=clock)
    progress.begin("fetch", 1000 * MIB)
    clock.sleep(1)
    progress.add(500 * MIB)
    for _ in range(60):
        clock.sleep(1)
        progress.add(MIB)
    assert progress.rate() == pytest.approx(MIB, rel=0.1)


def test_a_throttle_holds_over_all_threads(tmp_path: Path, clock: Clock) -> None:
    progress = FetchProgress(tmp_path / "p.json", "org/name", MIB, clock=clock, sleep=clock.sleep)
    progress.begin("fetch", 60 * MIB)
    for _ in range(60):
        progress.add(MIB)
    assert clock.now == pytest.approx(160)


def test_a_note_says_what_it_waits_for(tmp_path: Path, clock: Clock) -> None:
    path = tmp_path / "progress.json"
    progress = FetchProgress(path, "org/name", clock=clock)
    progress.begin("fetch", 100)
    progress.note("the Hub asks for a pause, goes on in 55 s")
    assert progress_line(read_progress(path)) == (
        "org/name: fetch 0 bytes of 100 bytes (0 %), the Hub asks for a pause, goes on in 55 s"
    )


@pytest.mark.parametrize("text", ["", "{", "[]"])
def test_a_damaged_file_says_nothing(tmp_path: Path, text: str) -> None:
    path = tmp_path / "progress.json"
    path.write_text(text)
    assert read_progress(path) == {}
