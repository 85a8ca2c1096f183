"""Test that the history keeps the newest events, and outlives damage and kills."""

from __future__ import annotations

import itertools
from pathlib import Path

from ansible.module_utils.tgi.models.record import Record
from ansible.module_utils.tgi.rollout.history import (
    HISTORY,
    HistoryEntry,
    append,
    entry_of,
    last_gap,
    read_history,
)
from ansible.module_utils.tgi.rollout.sets import KeptSet

from tests.support.rollout.kills import killed_before

AT = "2026-11-29T10:00:00Z"


def entry(number: int, model: str = "a", gap: float | None = None) -> HistoryEntry:
    return HistoryEntry(AT, model, "replaced", note=f"→ {number}\u2028x", gap=gap)


def test_the_newest_stay(tmp_path: Path) -> None:
    assert read_history(tmp_path) == []
    for number in range(5):
        append(tmp_path, [entry(number)], most=3)
    assert read_history(tmp_path) == [entry(2), entry(3), entry(4)]
    assert (tmp_path / HISTORY).stat().st_mode & 0o777 == 0o644


def test_lines_that_cannot_be_read_are_left_out(tmp_path: Path) -> None:
    append(tmp_path, [entry(1)])
    with (tmp_path / HISTORY).open("a") as file:
        file.write('[]\n{"at": 1, "model": "a", "event": "x"}\n{"at": "x"}\n')
        file.write('{"at": "x", "model": "a", "event": "y", "gap": true}\n')
        file.write('{"at": "x", "model": "a", "event": "y", "later": [1]}\n{"at": "x", "mod')
    assert [one.event for one in read_history(tmp_path)] == ["replaced", "y"]
    append(tmp_path, [entry(2)])
    assert read_history(tmp_path)[-1] == entry(2)


def test_an_entry_of_a_set() -> None:
    record = Record("a", "tgi-a", 8081, [], image="x@sha256:0", model_id="m", revision="r")
    found = entry_of(KeptSet("1a", record, 0.0), "a", AT, "replaced", gap=1.5)
    assert (found.set, found.image, found.model_id, found.revision) == (
        "1a",
        "x@sha256:0",
        "m",
        "r",
    )
    assert entry_of(None, "a", AT, "removed", by="anna@ctl1").set == ""


def test_the_last_gap() -> None:
    entries = [entry(1, gap=9.0), entry(2, gap=4.5), entry(3), entry(4, "b", gap=1.0)]
    assert (last_gap(entries, "a"), last_gap(entries, "c")) == (4.5, None)


def test_a_kill_leaves_the_old_or_the_new_lines(tmp_path: Path) -> None:
    append(tmp_path, [entry(1)])
    for step in itertools.count():
        if not killed_before(step, lambda: append(tmp_path, [entry(2)])):
            break
        assert read_history(tmp_path) == [entry(1)]
    assert step >= 2
    assert read_history(tmp_path) == [entry(1), entry(2)]
