"""Test the table of events and sets."""

from __future__ import annotations

from ansible.module_utils.tgi.rollout.history import HistoryEntry
from ansible.module_utils.tgi.rollout.history_table import history_table

SET = {
    "name": "llama",
    "id": "1a2b3c4d5e6f",
    "kept_at": "2026-11-29T10:00:00Z",
    "image": "x@sha256:9f8e9f8e9f8e9f8e",
    "revision": "",
    "active": False,
}


def test_nothing() -> None:
    assert history_table([], []) == ["No event is written yet.", "", "No set is kept yet."]


def test_columns_line_up_and_empty_cells_have_a_dash() -> None:
    first = HistoryEntry("2026-11-29T10:00:00Z", "a", "started", "1a2b3c4d5e6f", gap=0.0)
    second = HistoryEntry(
        "2026-11-29T11:00:00Z", "llama", "failed", by="anna@ctl1", note="no token"
    )
    head, one, two, blank, _, place = history_table([first, second], [SET])
    assert one == (
        "2026-11-29T10:00:00Z  a      started  1a2b3c4d5e6f  -      -         -          -       "
        "0 s"
    )
    assert head.index("NOTE") == two.index("no token")
    assert head.index("BY") == two.index("anna")
    assert blank == ""
    assert place == (
        "llama  1a2b3c4d5e6f  2026-11-29T10:00:00Z  sha256:9f8e9f8e9f8e  -         can be put back"
    )
