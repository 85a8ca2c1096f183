"""Keep the last sets of files with which a model passed its checks, and put one back.

``/opt/tgi/NAME`` has the active set. ``sets/ID`` below it has compose.yaml and deployed.json of a
set that passed. Secrets are in no set: compose.yaml names secrets.env. While other secrets are
not proven, secrets.env.before holds the ones before.

Every write leaves a state from which the same call can be made again: a set counts once its
compose.yaml is there, and what is put back becomes active with its compose.yaml, the last write.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import time
from dataclasses import asdict
from pathlib import Path
from typing import Any, NamedTuple

from ..common.files import read, write
from ..common.problem import problem
from ..models.project_files import (
    COMPOSE,
    MODES,
    SECRETS,
    SECRETS_BEFORE,
    SETS,
    without_comments,
)
from ..models.record import FILE, Record, from_text

_DIGITS = 12


class KeptSet(NamedTuple):
    """A set that passed; ``kept_at`` in seconds since 1970, 0 for one that is not kept."""

    id: str
    record: Record
    kept_at: float


def set_id(text: str) -> str:
    """Return the name of a set: 12 hex digits of the SHA-256 of its compose.yaml.

    Comments and blank lines do not count, or a set that differs in them alone would be one to go
    back to. "" where there is no compose.yaml.
    """
    lines = "\n".join(without_comments(text))
    return hashlib.sha256(lines.encode()).hexdigest()[:_DIGITS] if lines else ""


def active_id(directory: Path) -> str:
    """Return the id of the set that a model's directory has in force, "" without one."""
    return set_id(read(directory / COMPOSE))


def active(directory: Path) -> KeptSet | None:
    """Return the set in force, None without one or where its record is damaged."""
    name = active_id(directory)
    try:
        record = from_text(read(directory / FILE), str(directory / FILE))
    except ValueError:
        return None
    times = [one.kept_at for one in kept(directory) if one.id == name]
    return KeptSet(name, record, times[0] if times else 0.0) if name else None


def as_dict(one: KeptSet, is_active: bool) -> dict[str, Any]:
    """Return a set as data: the fields of its record, id, kept_at (UTC) and active (bool)."""
    at = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(one.kept_at)) if one.kept_at else ""
    return {**asdict(one.record), "id": one.id, "kept_at": at, "active": is_active}


def kept(directory: Path) -> list[KeptSet]:
    """Return the sets that are kept, newest first. One that is damaged or unfinished is none."""
    found = []
    for place in (directory / SETS).glob("*"):
        if set_id(read(place / COMPOSE)) != place.name:
            continue
        try:
            record = from_text(read(place / FILE), str(place / FILE))
        except ValueError:
            continue
        found.append(KeptSet(place.name, record, place.stat().st_mtime))
    return sorted(found, key=lambda one: (one.kept_at, one.id), reverse=True)


def text_of(directory: Path, one: KeptSet) -> str:
    """Return the compose.yaml of a kept set."""
    return read(directory / SETS / one.id / COMPOSE)


def is_kept(directory: Path) -> bool:
    """Return whether the active set is the last that passed, with the secrets that it has now.

    One that passed before another did must pass again: the other is what served until now.
    """
    if (directory / SECRETS_BEFORE).exists():
        return False
    return [active_id(directory)] == [one.id for one in kept(directory)[:1]]


def is_returnable(directory: Path, wanted: str, other_secrets: bool) -> bool:
    """Return whether a set other than ``wanted`` is kept, which can be put back.

    With ``other_secrets``, the wanted set with the secrets before is another one too.
    """
    other_secrets = other_secrets or (directory / SECRETS_BEFORE).exists()
    return any(one.id != wanted or other_secrets for one in kept(directory))


def keep(directory: Path, number: int, dry: bool = False) -> bool:
    """Keep the active set as the newest, and only ``number`` sets; return whether that changed.

    Raises ValueError with a remedy when the directory has no active set, or a damaged one.
    """
    compose, record = read(directory / COMPOSE), read(directory / FILE)
    name = set_id(compose)
    if not name:
        what = "is missing, so there is no set to keep"
        raise ValueError(problem(str(directory / COMPOSE), what, "run site.yml for this host"))
    from_text(record, str(directory / FILE))
    sets = kept(directory)
    place = directory / SETS / name
    texts = {FILE: record, COMPOSE: compose}
    stale = [file for file, text in texts.items() if read(place / file) != text]
    newest = bool(sets) and sets[0].id == name
    before = directory / SECRETS_BEFORE
    surplus = _surplus(directory, name, number)
    changed = bool(stale or surplus) or not newest or before.exists()
    if dry or not changed:
        return changed
    place.mkdir(mode=0o755, parents=True, exist_ok=True)
    for file in stale:
        write(place / file, texts[file].encode(), MODES[file])
    _make_newest(place)
    before.unlink(missing_ok=True)
    for path in _surplus(directory, name, number):
        shutil.rmtree(path)
    return changed


def _make_newest(place: Path) -> None:
    """Mark a set as the last that passed, the one to which a return leads."""
    os.utime(place, ns=(time.time_ns(), time.time_ns()))


def _surplus(directory: Path, active: str, number: int) -> list[Path]:
    """Return what is in the directory of the sets besides the newest ones and the active one."""
    newest = [one.id for one in kept(directory) if one.id != active][: max(number - 1, 0)]
    return [path for path in (directory / SETS).glob("*") if path.name not in {active, *newest}]


def choose_back(directory: Path, asked: str = "") -> KeptSet:
    """Return the set that :func:`put_back` would make active; ValueError as there."""
    sets = kept(directory)
    active = active_id(directory)
    if asked:
        found = [one for one in sets if one.id == asked]
    else:
        # With other secrets, the last set that passed may be the active one with those before
        same = (directory / SECRETS_BEFORE).exists()
        found = [one for one in sets if one.id != active or same]
    if found:
        return found[0]
    name, others = directory.name, ", ".join(one.id for one in sets if one.id != active)
    if asked and others:
        remedy = f"write one of these sets: {others}"
        raise ValueError(problem(name, f"has no set {asked} that passed", remedy))
    what = "has no other set that passed, so there is none to go back to"
    raise ValueError(problem(name, what, "correct tgi_models, and run site.yml"))


def put_back(
    directory: Path, asked: str = "", dry: bool = False, failed: bool = False
) -> tuple[KeptSet, bool]:
    """Make the set that passed last active again, or the set ``asked``; it then is the newest.

    Secrets that were proven last come back with it. The active set is forgotten if it ``failed``:
    it may have passed the checks of its port, and then those of the endpoint went red. Return the
    set, and whether that changed. Raises ValueError with a remedy when there is none. It starts no
    container.
    """
    chosen, left = choose_back(directory, asked), active_id(directory)
    before = directory / SECRETS_BEFORE
    place = directory / SETS / chosen.id
    texts = {file: read(place / file) for file in (FILE, COMPOSE)}
    stale = [file for file, text in texts.items() if read(directory / file) != text]
    newest = kept(directory)[0].id == chosen.id
    changed = bool(stale) or before.exists() or not newest
    if dry:
        return chosen, changed
    # Or a change that fails later would return to what is left now
    if not newest:
        _make_newest(place)
    if before.exists():
        before.replace(directory / SECRETS)
    if failed and left != chosen.id:
        shutil.rmtree(directory / SETS / left, ignore_errors=True)
    # compose.yaml last: until then the active set is the one that failed
    for file in stale:
        write(directory / file, texts[file].encode(), MODES[file])
    return choose_back(directory, chosen.id), changed
