"""Read what ``docker logs --timestamps`` prints for a TGI container, text or JSON.

TGI's launcher, router and shards share one output: coloured text by default, JSON lines with
``--json-output``; argument errors, panics and tracebacks are plain text in both.
"""

from __future__ import annotations

import json
import re
from calendar import timegm
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

_ANSI = re.compile(r"\x1b(?:\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b]*(?:\x07|\x1b\\)|[@-Z\\-_])")
_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]")
_STAMP = re.compile(r"(\d{4})-(\d\d)-(\d\d)T(\d\d):(\d\d):(\d\d)(\.\d+)?(?:Z|([+-])(\d\d):?(\d\d))")
_LEVELS = "TRACE|DEBUG|INFO|WARN|WARNING|ERROR"
_PREFIX = re.compile(
    rf"^\S+\s+(?P<level>{_LEVELS})\s+"
    r"(?:[\w-]+(?:\{.*?\})?: )*?"  # spans: `download: `, `shard-manager: `, `warmup{...}: `
    r"(?:text_generation_\w+(?:::\w+)*|[a-z_]\w*(?:::\w+)+)(?:\{.*?\})?: "
    r"(?:\S+\.rs:\d+: )?"
)
_RANK = re.compile(r" rank=\d+$")
_KEY_FOLLOWS = re.compile(r"(?:key|token|secret): Some\($", re.IGNORECASE)
_SECRETS = (
    (re.compile(r"\bhf_[A-Za-z0-9]{6,}"), "hf_***"),
    (re.compile(r"\b(Bearer|Basic)\s+[^\s\"',]+", re.IGNORECASE), r"\1 ***"),
    (re.compile(r"(api_key: Some\(\s*)\"[^\"]*\""), r'\1"***"'),
    (
        re.compile(
            r"((?:api[-_]key|token)[\"']?\s*[=:]\s*[\"']?)(?!Some\(|None\b)[^\s\"',)&]+", re.I
        ),
        r"\1***",
    ),
    (re.compile(r"(--api-key\s+)\S+"), r"\1***"),
    (re.compile(r"(\w://)[^/\s:@]*:[^/\s@]+@"), r"\1***@"),
    (re.compile(r"((?:signature|credential|policy|key-pair-id)=)[^&\s\"']+", re.I), r"\1***"),
)


@dataclass(frozen=True)
class Line:
    """One line of a container's log, without colour and without secrets."""

    at: float
    """When Docker received it: seconds since 1970 by the host's clock, 0.0 if not known."""
    text: str
    """The whole line."""
    message: str
    """The line without timestamp, level and origin; equal to `text` for plain lines."""
    level: str = ""
    """TRACE, DEBUG, INFO, WARN, ERROR, or empty for plain text such as a traceback."""


def epoch(stamp: str) -> float:
    """Seconds since 1970 of an RFC 3339 time with any number of decimals; 0.0 if it is none.

    Docker writes ``0001-01-01T00:00:00Z`` for "never"; that is 0.0 as well.
    """
    found = _STAMP.match(stamp)
    if not found or found.group(1) == "0001":
        return 0.0
    year, month, day, hour, minute, second = (int(found.group(i)) for i in range(1, 7))
    seconds = float(timegm((year, month, day, hour, minute, second)))
    seconds += float(found.group(7) or 0)
    if found.group(8):
        offset = int(found.group(9)) * 3600 + int(found.group(10)) * 60
        seconds -= offset if found.group(8) == "+" else -offset
    return seconds


def mask(text: str) -> str:
    """Replace what looks like a credential (Hub token, bearer, API key, URL password)."""
    for pattern, replacement in _SECRETS:
        text = pattern.sub(replacement, text)
    return text


def clean(text: str) -> str:
    """Printable text: no escape sequences, no control characters, no secrets."""
    return mask(_CONTROL.sub("", _ANSI.sub("", text)).rstrip())


def shorten(text: str, limit: int = 200) -> str:
    """At most `limit` characters, with an ellipsis where something was cut."""
    return text if len(text) <= limit else text[: limit - 1] + "…"


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
    """Lines of `docker logs --timestamps` output, in the order given; blank lines left out."""
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
        if prefix:
            message = _RANK.sub("", text[prefix.end() :])
            lines.append(Line(at, text, message, prefix.group("level")))
        else:
            lines.append(Line(at, text, text))
    return _mask_debug(lines)


def _mask_debug(lines: list[Line]) -> list[Line]:
    """Rust's debug format, in which the launcher prints its arguments, breaks a key's line."""
    for index, line in enumerate(lines[:-1]):
        if _KEY_FOLLOWS.search(line.text):
            after = lines[index + 1]
            lines[index + 1] = Line(after.at, "        ***", "        ***", after.level)
    return lines


def merge(*streams: Iterable[Line]) -> list[Line]:
    """Lines of several streams (stdout, stderr) in one list by time, each stream's order kept."""
    return sorted((line for stream in streams for line in stream), key=lambda line: line.at)
