"""Read a model's config.json, and find the size of its weights."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

_INDEX = "model.safetensors.index.json"
_ALONE = "model.safetensors"


class Source(NamedTuple):
    """``config`` is None with a ``problem`` in one line; ``file_bytes`` may be unknown."""

    config: Mapping[str, Any] | None
    file_bytes: int | None = None
    problem: str = ""


def read_source(config: Any) -> Source:
    """Read a config.json: its path, its text, or what it says as a mapping.

    Beside a path, the index of the weights or the one file of weights tells their size; in a
    mapping, weights_bytes does.
    """
    if isinstance(config, Mapping):
        return Source(config, _bytes(config.get("weights_bytes")))
    text = str(config or "").strip()
    if not text:
        return Source(None, None, "has no config.json")
    if text.startswith("{"):
        return _parse(text, "config")
    path = Path(text).expanduser()
    path = path / "config.json" if path.is_dir() else path
    try:
        found = _parse(path.read_text(encoding="utf-8"), str(path))
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else "no UTF-8"
        return Source(None, None, f"{path} cannot be read ({reason})")
    return found._replace(file_bytes=found.file_bytes or weights_beside(path))


def weights_beside(path: Path) -> int | None:
    """Return the size of the weights in the directory of a config.json, if it is known.

    The files themselves may still be on their way, so only an index or a single file counts.
    """
    try:
        index = json.loads((path.parent / _INDEX).read_text(encoding="utf-8"))
        return _bytes(index["metadata"]["total_size"])
    except (OSError, ValueError, KeyError, TypeError):
        pass
    try:
        return (path.parent / _ALONE).stat().st_size or None
    except OSError:
        return None


def _parse(text: str, where: str) -> Source:
    try:
        config = json.loads(text)
    except (ValueError, RecursionError):
        return Source(None, None, f"{where} is not JSON")
    if not isinstance(config, dict):
        return Source(None, None, f"{where} is not a JSON object")
    return Source(config, _bytes(config.get("weights_bytes")))


def _bytes(value: Any) -> int | None:
    whole = isinstance(value, (int, float)) and not isinstance(value, bool)
    return int(value) if whole and 0 < value < 2**60 else None
