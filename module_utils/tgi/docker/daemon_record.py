"""What the role's own variables put into daemon.json, so that it goes when they are emptied.

Settings of others stay, and so do those that roles contribute, which a play may not see each time.
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
    """The record beside the file; its copy with the suffix .before is of the file before."""
    return Path(f"{path}{OWN}")


def read_own(path: Path) -> dict[str, Any]:
    """What was put in last; nothing where nobody knows."""
    try:
        found = json.loads(own_of(path).read_text())
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}


def dropped(last: Mapping[str, Any], own: Mapping[str, Any]) -> dict[str, Any]:
    """The part of ``last`` that is not asked for any more, also within a mapping."""
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
    """``before`` with what is not asked for any more as it was at first, or gone.

    A value that is not ours any more was set by somebody since, and stays.
    """
    return undo(before, original or {}, dropped(last, own))


def undo(
    current: Mapping[str, Any], original: Mapping[str, Any], ours: Mapping[str, Any]
) -> dict[str, Any]:
    """Give ``current`` with every key of ``ours`` as it is in ``original``, or gone.

    A value that is not ours any more was set by somebody since, and stays. A null in ``ours``
    had removed a key, which comes back.
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
    # Those of a driver that was replaced had gone with it
    if left.get("log-driver") == original.get("log-driver") != current.get("log-driver"):
        left.pop("log-opts", None)
        if "log-opts" in original:
            left["log-opts"] = original["log-opts"]
    return left


def write_own(path: Path, own: Mapping[str, Any], changes: bool) -> None:
    """Keep the record, readable to root only, as a proxy's password may be in it."""
    record = own_of(path)
    before = Path(f"{record}.before")
    if changes and record.exists():
        shutil.copy2(record, before)
    elif changes and before.exists():
        before.unlink()
    if read_own(path) != own:
        write(record, f"{json.dumps(own, sort_keys=True)}\n".encode(), 0o600)
