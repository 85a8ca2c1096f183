"""Read which replicas are drained, since when and by whom, and say it in words."""

from __future__ import annotations

import time
from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple

from ..common.files import read

_MINUTE, _HOUR, _DAY = 60, 3600, 86400


class Drained(NamedTuple):
    """A flag: ``at`` in seconds since 1970, ``by`` the controller's user, "" if unknown."""

    model: str
    replica: str
    at: float
    by: str

    def since(self, now: float) -> str:
        """Return ``since 2026-11-29 07:04 UTC, 3 hours, by anna``."""
        began = time.strftime("%Y-%m-%d %H:%M UTC", time.gmtime(self.at))
        by = f", by {self.by}" if self.by else ""
        return f"since {began}, {_span(now - self.at)}{by}"


def read_drained(directory: Path) -> list[Drained]:
    """Return the flags in a directory, sorted; none if it is missing."""
    found = []
    for path in sorted(directory.iterdir()) if directory.is_dir() else []:
        model, at, replica = path.name.partition("@")
        if at:
            by = read(path).strip()
            found.append(Drained(model, replica, path.stat().st_mtime, by))
    return found


def drained_notes(found: Iterable[Drained], now: float) -> list[str]:
    """Return a line for each drained replica, with the command that takes it back."""
    replicas: dict[str, list[Drained]] = {}
    for one in found:
        replicas.setdefault(one.replica, []).append(one)
    return [
        f"{replica} gets no requests for {', '.join(one.model for one in its)}: it is drained "
        f"{its[0].since(now)}; {take_back(replica)}"
        for replica, its in replicas.items()
    ]


def take_back(replica: str) -> str:
    """Return the remedy."""
    return (
        "to take it back, run playbooks/drain.yml with "
        f"gateway_drain_replica: {replica}, gateway_drain_state: serving"
    )


def _span(seconds: float) -> str:
    for unit, word in ((_DAY, "day"), (_HOUR, "hour"), (_MINUTE, "minute")):
        if seconds >= unit:
            count = int(seconds // unit)
            return f"{count} {word}{'s' if count > 1 else ''}"
    return "less than a minute"
