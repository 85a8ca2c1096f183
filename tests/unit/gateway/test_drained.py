"""Test that a drained replica is named, with its time and the command that takes it back."""

from __future__ import annotations

import os
from pathlib import Path

from ansible.module_utils.tgi.gateway.drained import (
    Drained,
    drained_notes,
    flag_text,
    read_drained,
)

DAY = 86400.0


def flags_with(tmp_path: Path, **texts: str) -> list[Drained]:
    """Return what is read from flags of models a, b … on gpu1, all made at the same time."""
    for name, text in texts.items():
        (tmp_path / f"{name}@gpu1").write_text(text)
        os.utime(tmp_path / f"{name}@gpu1", (DAY, DAY))
    return list(read_drained(tmp_path))


def test_flags_with_their_time_and_author(tmp_path: Path) -> None:
    assert read_drained(tmp_path / "missing") == []
    (tmp_path / "stray").write_text("")
    run = flag_text("anna@ctl1", True, "replacing a (image)").decode()
    person = flag_text("anna", False, "").decode()
    assert flags_with(tmp_path, a=run, b=person) == [
        Drained("a", "gpu1", DAY, "anna@ctl1", True, "replacing a (image)"),
        Drained("b", "gpu1", DAY, "anna", False, ""),
    ]


def test_a_flag_of_an_older_version_holds_a_name_alone(tmp_path: Path) -> None:
    texts = {"a": "anna\n", "b": "", "c": "1000\n", "d": '"x"'}
    assert [(one.by, one.run, one.why) for one in flags_with(tmp_path, **texts)] == [
        ("anna", False, ""),
        ("", False, ""),
        ("1000", False, ""),
        ('"x"', False, ""),
    ]


def test_what_a_killed_run_left_half_written_is_no_flag(tmp_path: Path) -> None:
    (tmp_path / ".a@gpu1.k3j2").write_text("")
    assert read_drained(tmp_path) == []


def test_a_flag_that_is_removed_meanwhile_is_none(tmp_path: Path) -> None:
    # Like a file that is gone between the listing and the look at it
    (tmp_path / "a@gpu1").symlink_to(tmp_path / "gone")
    assert read_drained(tmp_path) == []


def test_a_line_for_what_was_drained_at_once() -> None:
    flags = [Drained("a", "gpu1", DAY, "anna"), Drained("b", "gpu1", DAY, "anna"),
             Drained("a", "gpu2", DAY, "", why="new disk")]  # fmt: skip
    one, two = drained_notes(flags, DAY + 7300)
    assert one == (
        "gpu1 gets no requests for a, b: it is drained since 1970-01-02 00:00 UTC, 2 hours, by "
        "anna; to take it back, run playbooks/drain.yml with gateway_drain_replica: gpu1, "
        "gateway_drain_state: serving"
    )
    assert two.startswith(
        "gpu2 gets no requests for a: it is drained since 1970-01-02 00:00 UTC, 2 hours, "
        '"new disk"; to take it back'
    )
    assert drained_notes([], DAY) == []


def test_a_roll_out_that_did_not_end_is_named_and_needs_no_command() -> None:
    mine = Drained("b", "gpu1", DAY, "anna")
    run = Drained("a", "gpu1", DAY, "anna@ctl1", True, "replacing a (image)")
    one, two = drained_notes([run, mine], DAY)
    assert one == (
        "gpu1 gets no requests for a: it is drained since 1970-01-02 00:00 UTC, less than a "
        'minute, "replacing a (image)", by a run of anna@ctl1; the next site.yml '
        "takes it back"
    )
    assert "by anna; to take it back" in two
    unknown = Drained("a", "gpu1", DAY, "", True)
    assert "minute, by a run; the next" in drained_notes([unknown], DAY)[0]


def test_times_are_easy_to_read() -> None:
    spans = [flag.since(now).split(", ")[1] for flag, now in (
        (Drained("a", "b", 0.0, ""), 30.0), (Drained("a", "b", 0.0, ""), 60.0),
        (Drained("a", "b", 0.0, ""), 3 * DAY),
    )]  # fmt: skip
    assert spans == ["less than a minute", "1 minute", "3 days"]
