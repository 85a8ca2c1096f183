"""Read from nginx's error log what keeps a request from its model."""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from ...common.text import mask, shorten

_TAIL = 262144
_LINE = re.compile(r"^(\d{4}/\d\d/\d\d \d\d:\d\d:\d\d) \[(\w+)\] \d+#\d+: (?:\*\d+ )?(.*)$")
_UPSTREAM = re.compile(r'upstream: "\w+://([^/"]+)')
# Kinds of lines; the first that matches
_KINDS = (
    ("refused", re.compile(r"connect\(\) failed \(111:")),
    ("unreachable", re.compile(r"connect\(\) failed \(11[03]:|upstream timed out .*connecting to")),
    ("timeout", re.compile(r"upstream timed out")),
    ("closed", re.compile(r"upstream prematurely closed|recv\(\) failed \(104:")),
    ("none_left", re.compile(r"no live upstreams")),
    ("connections", re.compile(r"worker_connections are not enough")),
    ("files", re.compile(r"\(24: Too many open files\)|accept4\(\) failed \(24:")),
    ("space", re.compile(r"\(28: No space left on device\)")),
    ("memory", re.compile(r"\(12: Cannot allocate memory\)|could not allocate")),
    ("script", re.compile(r"js exception|SyntaxError|TypeError")),
    ("address", re.compile(r"bind\(\) to .* failed")),
)
#: Kinds that are about an engine; the others are the gateway's own
OF_UPSTREAMS = ("refused", "unreachable", "timeout", "closed", "none_left")


def read_errors(path: Path, now: Callable[[], float] = time.time) -> list[dict[str, Any]]:
    """Return the last line of each kind: ``kind``, ``age`` in seconds, ``count``, ``upstream``,
    ``line``.

    Only nginx's own words are kept, never the client, its request or its headers. Returns an empty
    list when the log cannot be read. Times are the host's local ones, as nginx writes them.
    """
    try:
        with path.open("rb") as file:
            file.seek(max(0, path.stat().st_size - _TAIL))
            text = file.read().decode("utf-8", "replace")
    except OSError:
        return []
    return parse_errors(text, now())


def parse_errors(text: str, now: float) -> list[dict[str, Any]]:
    """Return the same list from the text of a log, newest last."""
    found: dict[tuple[str, str], dict[str, Any]] = {}
    for line in text.splitlines():
        parts = _LINE.match(line)
        if not parts:
            continue
        said = parts.group(3)
        kind = next((kind for kind, pattern in _KINDS if pattern.search(said)), "")
        if not kind:
            continue
        upstream = _UPSTREAM.search(said)
        where = upstream.group(1) if upstream else ""
        count = found.pop((kind, where), {"count": 0})["count"] + 1
        age = now - time.mktime(time.strptime(parts.group(1), "%Y/%m/%d %H:%M:%S"))
        found[kind, where] = {
            "kind": kind,
            "age": max(0, round(age)),
            "count": count,
            "upstream": where,
            "line": shorten(mask(said.partition(", client:")[0]), 160),
        }
    return list(found.values())
