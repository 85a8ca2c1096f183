"""Record which settings the role's own variables put into daemon.json, and remove old ones.

Settings that are not ours stay. Those that other roles contribute are not recorded, as a play may
run without these roles.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ..common.files import write

OWN = ".own-tgi-ansible"
_NOTHING: dict[str, Any] = {}


def own_of(path: Path) -> Path:
    """Return the path of the record; its copy with the suffix .before is one change older."""
    return Path(f"{path}{OWN}")


def read_own(path: Path) -> dict[str, Any]:
    """Return the recorded settings; {} if there is no readable record."""
    try:
        found = json.loads(own_of(path).read_text())
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}


def dropped(last: Mapping[str, Any], own: Mapping[str, Any]) -> dict[str, Any]:
    """Return the part of ``last`` that ``own`` no longer has, also within mappings."""
    gone: dict[str, Any] = {}
    for key, value in last.items():
        now = own.get(key)
        if key not in own:
            gone[key] = value
        elif isinstance(value, Mapping) and isinstance(now, Mapping):
            inner = {name: one for name, one in value.items() if name not in now}
            gone.update({key: inner} if inner else {})
    return gone


def without_dropped(
    before: Mapping[str, Any],
    original: Mapping[str, Any] | None,
    last: Mapping[str, Any],
    own: Mapping[str, Any],
) -> dict[str, Any]:
    """Return ``before`` with dropped settings back at their original value, or removed.

    A value that was changed by hand stays.
    """
    return undo(before, original or {}, dropped(last, own))


def undo(
    current: Mapping[str, Any], original: Mapping[str, Any], ours: Mapping[str, Any]
) -> dict[str, Any]:
    """Return ``current`` with each key of ``ours`` back at its value of ``original``, or removed.

    A value that was changed by hand stays. A key that a null in ``ours`` had removed comes back.
    """
    left = dict(current)
    for key, value in ours.items():
        before, now = original.get(key), left.get(key)
        if isinstance(value, Mapping) and isinstance(now, Mapping):
            inner = undo(now, before if isinstance(before, Mapping) else _NOTHING, value)
            if inner or key in original:
                left[key] = inner
            else:
                del left[key]
        elif value is None or now == value:
            left.pop(key, None)
            if key in original:
                left[key] = before
    # The merge had removed the options of the original log driver
    if left.get("log-driver") == original.get("log-driver") != current.get("log-driver"):
        left.pop("log-opts", None)
        if "log-opts" in original:
            left["log-opts"] = original["log-opts"]
    return left


def write_own(path: Path, own: Mapping[str, Any], changes: bool) -> None:
    """Write the record; only root can read it, as it may contain a proxy's password."""
    record = own_of(path)
    before = Path(f"{record}.before")
    if changes and record.exists():
        shutil.copy2(record, before)
    elif changes and before.exists():
        before.unlink()
    if read_own(path) != own:
        write(record, f"{json.dumps(own, sort_keys=True)}\n".encode(), 0o600)
