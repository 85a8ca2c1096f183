"""What a daemon.json is without the settings that were merged into it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

_NOTHING: dict[str, Any] = {}


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
