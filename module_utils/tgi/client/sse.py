"""Parse server-sent events from the bytes of a response, with their times of arrival.

The framing follows https://html.spec.whatwg.org/multipage/server-sent-events.html, with one
difference: an unfinished event at the end is kept in ``trailing``, because a stream that is cut
in the middle of an event is a finding here.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field

_LINE_END = re.compile(rb"\r\n|\n|\r")


@dataclass(frozen=True)
class Event:
    """One event: data lines joined by newlines, and ``at``, the seconds at its last byte."""

    data: str
    at: float
    name: str = ""


@dataclass
class Parser:
    """An incremental parser: ``feed`` bytes as they come, ``close`` at the end.

    It splits bytes into lines before it decodes them, so a character that is split over two
    chunks stays whole. Bytes that are not UTF-8 become U+FFFD.
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
        """Parse the next bytes; ``at`` is their time of arrival in seconds."""
        if self._held_cr:
            chunk = b"\r" + chunk
        # A CR at the very end may be half of a CRLF: wait for the next byte
        self._held_cr = chunk.endswith(b"\r")
        *lines, rest = _LINE_END.split(chunk[:-1] if self._held_cr else chunk)
        # Each byte is read once, so megabytes of one line, or of empty lines, stay cheap
        for line in lines:
            self._line(b"".join([*self._line_parts, line]), at)
            self._line_parts.clear()
        if rest:
            self._line_parts.append(rest)

    def close(self, at: float = 0.0) -> None:
        """End the stream; an event without its blank line goes to ``trailing``."""
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
    """Parse a whole response from pairs (time of arrival in seconds, bytes)."""
    parser, last = Parser(), 0.0
    for at, chunk in chunks:
        parser.feed(chunk, at)
        last = at
    parser.close(last)
    return parser
