"""Read what ``docker logs --timestamps`` prints for a TGI container, text or JSON.

TGI's launcher, router and shards share one output: coloured text by default, JSON lines with
``--json-output``; argument errors, panics and tracebacks are plain text in both.
"""

from __future__ import annotations

import json
import re
from typing import Any

from ...common.log_lines import Line, epoch
from ...common.text import clean

_LEVELS = "TRACE|DEBUG|INFO|WARN|WARNING|ERROR"
_PREFIX = re.compile(
    rf"^\S+\s+(?P<level>{_LEVELS})\s+"
    # Spans, if any: `download: `, `shard-manager: `, `warmup{...}: `. One lazy group, not one in a
    # repeated group: that would take exponential time for a line made for it
    r"(?:\S.*?: )??"
    r"(?:text_generation_\w+(?:::\w+)*|[a-z_]\w*(?:::\w+)+)(?:\{[^{}]*\})?: "
    r"(?:\S+\.rs:\d+: )?"
)
_RANK = re.compile(r" rank=\d+$")
_KEY_FOLLOWS = re.compile(r"(?:key|token|secret): Some\($", re.IGNORECASE)


def _from_json(at: float, raw: str) -> list[Line]:
    try:
        entry: Any = json.loads(raw)
    except ValueError:
        return []
    if not isinstance(entry, dict):
        return []
    fields = entry.get("fields")
    message = entry.get("message", fields.get("message") if isinstance(fields, dict) else None)
    if not isinstance(message, str):
        return []
    level = str(entry.get("level", ""))
    origin = f"{level} {entry.get('target', '')}: ".lstrip()
    return [
        Line(at, (origin if index == 0 else "") + part, part, level)
        for index, part in enumerate(clean(m) for m in message.split("\n"))
    ]


def parse(raw: str) -> list[Line]:
    """Return the lines of ``docker logs --timestamps`` in their order, without blank ones."""
    lines: list[Line] = []
    for whole in raw.split("\n"):
        stamp, _, rest = whole.partition(" ")
        at = epoch(stamp)
        body = rest if at else whole
        if body.lstrip().startswith("{"):
            entries = _from_json(at, body)
            if entries:
                lines.extend(entries)
                continue
        text = clean(body)
        if not text.strip():
            continue
        prefix = _PREFIX.match(text)
        if at and not prefix and _PREFIX.match(clean(whole)):
            # Without --timestamps the first word is TGI's own time
            text = clean(whole)
            prefix = _PREFIX.match(text)
        if prefix:
            message = _RANK.sub("", text[prefix.end() :])
            lines.append(Line(at, text, message, prefix.group("level")))
        else:
            lines.append(Line(at, text, text))
    return _mask_debug(lines)


def _mask_debug(lines: list[Line]) -> list[Line]:
    """Mask a key on a line of its own, as Rust's debug format prints the launcher's arguments."""
    for index, line in enumerate(lines[:-1]):
        if _KEY_FOLLOWS.search(line.text):
            after = lines[index + 1]
            lines[index + 1] = Line(after.at, "        ***", "        ***", after.level)
    return lines
