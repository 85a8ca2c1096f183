"""Lines of a container's log, with their times."""

from __future__ import annotations

import re
from calendar import timegm
from collections.abc import Iterable
from dataclasses import dataclass

_STAMP = re.compile(r"(\d{4})-(\d\d)-(\d\d)T(\d\d):(\d\d):(\d\d)(\.\d+)?(?:Z|([+-])(\d\d):?(\d\d))")


@dataclass(frozen=True)
class Line:
    """One line of a container's log, without colour and without secrets."""

    at: float
    """When Docker received it: seconds since 1970 by the host's clock, 0.0 if unknown."""
    text: str
    """The whole line."""
    message: str
    """The line without timestamp, level and origin; equal to `text` for plain lines."""
    level: str = ""
    """TRACE, DEBUG, INFO, WARN, ERROR, or empty for plain text such as a traceback."""


def epoch(stamp: str) -> float:
    """Return seconds since 1970 of an RFC 3339 time; 0.0 if it is not one.

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


def merge(*streams: Iterable[Line]) -> list[Line]:
    """Merge several streams (stdout, stderr) by time; keep the order of each stream."""
    return sorted((line for stream in streams for line in stream), key=lambda line: line.at)
