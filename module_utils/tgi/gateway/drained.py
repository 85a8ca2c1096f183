"""Read and write the flags of drained replicas: since when, by whom and why; say it in words."""

from __future__ import annotations

import contextlib
import json
import time
from collections.abc import Iterable
from pathlib import Path
from typing import Any, NamedTuple

from ..common.files import read

_MINUTE, _HOUR, _DAY = 60, 3600, 86400


class Drained(NamedTuple):
    """A flag: ``at`` in seconds since 1970, ``by`` the controller's user, "" if unknown.

    ``run`` is true where a roll-out made it (``by`` is then user@controller), not a person.
    """

    model: str
    replica: str
    at: float
    by: str
    run: bool = False
    why: str = ""

    @property
    def flag(self) -> str:
        """Return the name of the flag's file."""
        return f"{self.model}@{self.replica}"

    def since(self, now: float) -> str:
        """Return ``since 2026-11-29 07:04 UTC, 3 hours, "new disk", by anna``."""
        by = f"by {self.by}" if self.by else ""
        if self.run:
            by = f"by a run{f' of {self.by}' if self.by else ''}"
        began = time.strftime("since %Y-%m-%d %H:%M UTC", time.gmtime(self.at))
        why = f'"{self.why}"' if self.why else ""
        return ", ".join(filter(None, (began, _span(now - self.at), why, by)))

    def remedy(self) -> str:
        """Return how the replica gets requests again."""
        if self.run:
            return "the next site.yml takes it back"
        return (
            "to take it back, run playbooks/drain.yml with "
            f"gateway_drain_replica: {self.replica}, gateway_drain_state: serving"
        )


def flag_text(by: str, run: bool, why: str) -> bytes:
    """Return the content of a flag's file."""
    return f"{json.dumps({'by': by, 'run': run, 'why': why})}\n".encode()


def read_drained(directory: Path) -> list[Drained]:
    """Return the flags in a directory, sorted; none if it is missing."""
    found = []
    for path in sorted(directory.iterdir()) if directory.is_dir() else []:
        model, at, replica = path.name.partition("@")
        # A dot begins the name of a file that is still being written
        if at and model and not model.startswith("."):
            # Another run may take the replica back at this moment
            with contextlib.suppress(FileNotFoundError):
                since = path.stat().st_mtime
                found.append(Drained(model, replica, since, *_content(read(path))))
    return found


def _content(text: str) -> tuple[str, bool, str]:
    """Return by, run and why. A flag of an older version holds a user's name, and no JSON."""
    try:
        found: Any = json.loads(text)
    except ValueError:
        found = None
    if not isinstance(found, dict):
        return text.strip(), False, ""
    return str(found.get("by") or ""), found.get("run") is True, str(found.get("why") or "")


def drained_notes(found: Iterable[Drained], now: float) -> list[str]:
    """Return a line for each replica that was drained at once, with the remedy."""
    together: dict[tuple[str, str, bool, str], list[Drained]] = {}
    for one in found:
        together.setdefault((one.replica, one.by, one.run, one.why), []).append(one)
    return [
        f"{its[0].replica} gets no requests for {', '.join(one.model for one in its)}: it is "
        f"drained {its[0].since(now)}; {its[0].remedy()}"
        for its in together.values()
    ]


def _span(seconds: float) -> str:
    for unit, word in ((_DAY, "day"), (_HOUR, "hour"), (_MINUTE, "minute")):
        if seconds >= unit:
            count = int(seconds // unit)
            return f"{count} {word}{'s' if count > 1 else ''}"
    return "less than a minute"
