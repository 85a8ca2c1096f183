"""Bodies of requests as hyper 1.6 reads them: of a length, or in chunks."""

from __future__ import annotations

import re

_SIZE_LINE = re.compile(rb"(?P<size>[0-9a-fA-F]{1,16})[\t ]*(?:;[^\r\n]*)?\r\n")
_PART = re.compile(rb"(?:[0-9a-fA-F]{1,16}(?:[\t ]*(?:;[^\r\n]*)?\r?)?)?")
_MOST_EXTENSION = 16 * 1024


class BrokenBody(Exception):
    """Chunks that are none, or a connection that ended before the body did."""


class Body:
    """What is still to come of one body."""

    def __init__(self, length: int | None) -> None:
        self._chunked = length is None
        self._left = length or 0
        self._between = False
        """A chunk's data has been read, its line end not."""
        self._trailers = False
        self.complete = length == 0

    def take(self, buffer: bytearray) -> bytes:
        """Move what belongs to the body out of `buffer`; raise BrokenBody."""
        out = bytearray()
        while not self.complete and buffer:
            if self._left:
                part = buffer[: self._left]
                del buffer[: len(part)]
                out += part
                self._left -= len(part)
                self._between = self._chunked and not self._left
                self.complete = not self._chunked and not self._left
            elif not self._line(buffer):
                break
        return bytes(out)

    def _line(self, buffer: bytearray) -> bool:
        """Read a line between two chunks' data; False when it has not come."""
        if self._between or self._trailers:
            end = buffer.find(b"\r\n")
            if self._between and end != 0 and bytes(buffer) != b"\r":
                raise BrokenBody
            if end < 0:
                return False
            del buffer[: end + 2]
            self.complete = self._trailers and end == 0
            self._between = False
            return True
        found = _SIZE_LINE.match(buffer)
        if found is None:
            if _PART.fullmatch(buffer) is None or len(buffer) > _MOST_EXTENSION:
                raise BrokenBody
            return False
        self._left = int(found["size"], 16)
        self._trailers = not self._left
        del buffer[: found.end()]
        return True
