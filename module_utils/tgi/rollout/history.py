"""Write and read a host's history: a line of JSON for each event of a model."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any

from ..common.files import read, write
from .sets import KeptSet

#: In the directory of the Compose projects
HISTORY = "history.jsonl"
RETURNED, ROLLED_BACK = "returned", "rolled_back"
EVENTS = ("started", "replaced", RETURNED, ROLLED_BACK, "removed", "failed")
MOST = 200


@dataclass(frozen=True)
class HistoryEntry:
    """One event; no secrets. ``set`` is the id of the files that the event is about."""

    #: UTC, ISO 8601
    at: str
    model: str
    #: One of EVENTS
    event: str
    set: str = ""
    image: str = ""
    model_id: str = ""
    revision: str = ""
    #: The user and the controller, such as anna@ctl1
    by: str = ""
    #: The controller's checkout; "" outside git
    commit: str = ""
    #: Seconds that the model was out on this host, None where it was not measured
    gap: float | None = None
    note: str = ""


def entry_of(kept: KeptSet | None, model: str, at: str, event: str, **more: Any) -> HistoryEntry:
    """Return the entry of an event of a model; without a set it names none."""
    if kept is None:
        return HistoryEntry(at, model, event, **more)
    record = kept.record
    place = (kept.id, record.image, record.model_id, record.revision)
    return HistoryEntry(at, model, event, *place, **more)


def append(base_dir: Path, entries: Iterable[HistoryEntry], most: int = MOST) -> None:
    """Add entries, and keep the newest ``most``.

    The file is written whole, in one step: a run that is killed leaves the old or the new one.
    """
    lines = read(base_dir / HISTORY).splitlines()
    lines += [json.dumps(asdict(entry)) for entry in entries]
    write(base_dir / HISTORY, "".join(f"{line}\n" for line in lines[-most:]).encode())


def read_history(base_dir: Path) -> list[HistoryEntry]:
    """Return the entries, oldest first. Lines that cannot be read are left out."""
    found = (_entry(line) for line in read(base_dir / HISTORY).splitlines())
    return [entry for entry in found if entry]


def last_gap(entries: Iterable[HistoryEntry], model: str) -> float | None:
    """Return how many seconds a model was out the last time that it was measured, or None."""
    gaps = [one.gap for one in entries if one.model == model and one.gap is not None]
    return gaps[-1] if gaps else None


def _entry(line: str) -> HistoryEntry | None:
    try:
        found = json.loads(line)
    except ValueError:
        return None
    if not isinstance(found, dict):
        return None
    known = {one.name: found[one.name] for one in fields(HistoryEntry) if one.name in found}
    gap = known.get("gap")
    right = gap is None or (isinstance(gap, (int, float)) and not isinstance(gap, bool))
    right = right and {"at", "model", "event"} <= set(known)
    texts = all(isinstance(text, str) for name, text in known.items() if name != "gap")
    return HistoryEntry(**known) if right and texts else None
