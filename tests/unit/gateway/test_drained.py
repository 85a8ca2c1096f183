"""Test that a drained replica is named, with its time and the command that takes it back."""

from __future__ import annotations

import os
from pathlib import Path

from ansible.module_utils.tgi.gateway.drained import Drained, drained_notes, read_drained

DAY = 86400.0


def test_flags_with_their_time_and_author(tmp_path: Path) -> None:
    assert read_drained(tmp_path / "missing") == []
    for name, by in (("b@gpu1", "anna\n"), ("a@gpu1", ""), ("stray", "")):
        (tmp_path / name).write_text(by)
        os.utime(tmp_path / name, (DAY, DAY))
    found = read_drained(tmp_path)
    assert found == [Drained("a", "gpu1", DAY, ""), Drained("b", "gpu1", DAY, "anna")]


def test_a_line_for_each_replica() -> None:
    flags = [Drained("a", "gpu1", DAY, "anna"), Drained("b", "gpu1", DAY, ""),
             Drained("a", "gpu2", DAY, "")]  # fmt: skip
    one, two = drained_notes(flags, DAY + 7300)
    assert one == (
        "gpu1 gets no requests for a, b: it is drained since 1970-01-02 00:00 UTC, 2 hours, by "
        "anna; to take it back, run playbooks/drain.yml with gateway_drain_replica: gpu1, "
        "gateway_drain_state: serving"
    )
    assert two.startswith("gpu2 gets no requests for a: it is drained since")
    assert drained_notes([], DAY) == []


def test_times_are_easy_to_read() -> None:
    spans = [flag.since(now).split(", ")[1] for flag, now in (
        (Drained("a", "b", 0.0, ""), 30.0), (Drained("a", "b", 0.0, ""), 60.0),
        (Drained("a", "b", 0.0, ""), 3 * DAY),
    )]  # fmt: skip
    assert spans == ["less than a minute", "1 minute", "3 days"]
