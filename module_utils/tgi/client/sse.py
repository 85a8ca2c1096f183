"""Server-sent events: from the bytes of a response, as they came, to events with their times.

The framing of https://html.spec.whatwg.org/multipage/server-sent-events.html, with one
difference: what stands unfinished at the end of the stream is kept and reported, because a
stream cut in the middle of an event is a finding here, not noise to drop.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field

_LINE_END = re.compile(rb"\r\n|\n|\r")


@dataclass(frozen=True)
class Event:
    """One event: its data lines joined by newline, and when its last byte came (seconds)."""

    data: str
    at: float
    name: str = ""


@dataclass
class Parser:
    """An incremental parser: ``feed`` bytes as they come, ``close`` at the end.

    Bytes are cut into lines before they are decoded, so a character that is split over two
    network chunks stays whole. What is not UTF-8 becomes U+FFFD, never an exception.
    """

    events: list[Event] = field(default_factory=list)
    comments: int = 0
    trailing: str = ""
    _line_parts: list[bytes] = field(default_factory=list)
    _held_cr: bool = False
    _data: list[str] = field(default_factory=list)
    _name: str = ""
    _first: bool = True

    def feed(self, chunk: bytes, at: float = 0.0) -> None:
        """Take the next bytes; ``at`` is their time of arrival in seconds."""
        if self._held_cr:
            chunk = b"\r" + chunk
        # A CR at the very end may be half of a CRLF: wait for the next byte
        self._held_cr = chunk.endswith(b"\r")
        *lines, rest = _LINE_END.split(chunk[:-1] if self._held_cr else chunk)
        # Every byte is looked at once: megabytes of one line, or of empty ones, cost no more
        for line in lines:
            self._line(b"".join([*self._line_parts, line]), at)
            self._line_parts.clear()
        if rest:
            self._line_parts.append(rest)

    def close(self, at: float = 0.0) -> None:
        """End of the stream: what was not finished by a blank line goes to ``trailing``."""
        if self._held_cr:
            self._line(b"".join(self._line_parts), at)
            self._line_parts.clear()
        rest = b"".join(self._line_parts).decode("utf-8", "replace")
        self.trailing = "\n".join([*self._data, *([rest] if rest else [])])

    def _line(self, raw: bytes, at: float) -> None:
        line = raw.decode("utf-8", "replace")
        if self._first:
            self._first = False
            line = line[1:] if line.startswith("\ufeff") else line
        if not line:
            if self._data:
                self.events.append(Event("\n".join(self._data), at, self._name))
            self._data, self._name = [], ""
            return
        if line.startswith(":"):
            self.comments += 1
            return
        name, _, value = line.partition(":")
        value = value[1:] if value.startswith(" ") else value
        if name == "data":
            self._data.append(value)
        elif name == "event":
            self._name = value


def parse(chunks: Iterable[tuple[float, bytes]]) -> Parser:
    """Parse a whole response, given as (time of arrival in seconds, bytes) pairs."""
    parser, last = Parser(), 0.0
    for at, chunk in chunks:
        parser.feed(chunk, at)
        last = at
    parser.close(last)
    return parser
