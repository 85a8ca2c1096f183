"""Show a host's history and its kept sets as lines for a reader."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from .history import HistoryEntry
from .reasons import short_image

_HEAD = ("WHEN", "MODEL", "EVENT", "SET", "IMAGE", "REVISION", "BY", "COMMIT", "GAP", "NOTE")
_SETS_HEAD = ("MODEL", "SET", "KEPT AT", "IMAGE", "REVISION", "STATE")
_SHORT_COMMIT = 12
_DIRTY = "+dirty"


def history_table(entries: Iterable[HistoryEntry], sets: Iterable[Mapping[str, Any]]) -> list[str]:
    """Return a table of the events, oldest first, and one of the sets that could be put back.

    ``sets`` are the kept sets: id, kept_at, active, and the fields of the record.
    """
    rows = [
        (
            one.at,
            one.model,
            one.event,
            one.set,
            _digest(one.image),
            _short(one.revision),
            one.by,
            _short(one.commit),
            "" if one.gap is None else f"{one.gap:.0f} s",
            one.note,
        )
        for one in entries
    ]
    places = [
        (
            one["name"],
            one["id"],
            one["kept_at"],
            _digest(one["image"]),
            _short(one["revision"]),
            "active" if one["active"] else "can be put back",
        )
        for one in sets
    ]
    table = _table(_HEAD, rows) if rows else ["No event is written yet."]
    return [*table, "", *(_table(_SETS_HEAD, places) if places else ["No set is kept yet."])]


def _table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> list[str]:
    lines = [head, *rows]
    widths = [max(len(line[place]) for line in lines) for place in range(len(head))]
    return [
        "  ".join((text or "-").ljust(width) for text, width in zip(line, widths)).rstrip(" -")
        for line in lines
    ]


def _digest(image: str) -> str:
    return short_image(image).rpartition("@")[2]


def _short(commit: str) -> str:
    return commit[:_SHORT_COMMIT] + (_DIRTY if commit.endswith(_DIRTY) else "")
