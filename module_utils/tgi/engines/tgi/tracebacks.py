"""Read Python's tracebacks in TGI's log: plain ones, and boxed ones wrapped at 80 columns.

The server's own log has plain ones. What a process wrote to its standard error is boxed, with all
local variables, unless _TYPER_STANDARD_TRACEBACK is set. Nothing inside a box but the places of
its frames is ever returned: local variables hold tokens.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from ...common.log_lines import Line
from ...common.text import mask

_RANK = re.compile(r"^\[rank\d+\]: ?|(?<!\s)\s+rank=\d+$")
_PLAIN = re.compile(r"^\s*Traceback \(most recent call last\):$")
_TOP = re.compile(r"^╭─.*─╮$")
_TITLE = " Traceback (most recent call last) "
_BOTTOM = re.compile(r"^╰─+╯$")
_DIRECT = "The above exception was the direct cause of the following exception:"
_DURING = "During handling of the above exception, another exception occurred:"
_FILE = re.compile(r'^>?\s+File "(.+)", line (\d+), in (.+)$')
_BOXED_FILE = re.compile(r"^(/\S+):(\d+) in (\S+)$")
#: What may stand in standard error behind a traceback, and is no part of its message
_OTHER = re.compile(
    r"^(?:Error: [A-Z]\w+(?:\(|$)|thread '|\S+:\d+: \w*Warning: |\[?[WEI]\d{4} |\d{4}-\d\d-\d\d)"
)
_MOST = 40
"""Lines of one message."""
#: The end of a line at which the wrapping may have cut a credential in two
_CUT = re.compile(r"(?:\*\*\*|\b(?:Bearer|Basic)|\bh(?:f(?:_\w*)?)?)$")


@dataclass(frozen=True)
class Traceback:
    """One traceback with the exceptions that led to its own."""

    index: int
    """Of its first line."""
    end: int
    """Of the first line behind it."""
    header: Line
    """The log entry that it is a part of."""
    frames: tuple[str, ...]
    """PATH:LINE in FUNCTION of its own exception, the outermost first."""
    message: str
    """TYPE: TEXT of the exception, in one line."""
    reasons: tuple[str, ...] = ()
    """Messages of the exceptions from which it was raised, the nearest first."""
    before: tuple[str, ...] = ()
    """Messages of exceptions that were being handled, the nearest first."""


def begins_entry(line: Line) -> bool:
    """Return whether the line is the first of a log entry."""
    return bool(line.level) and line.text != line.message


def in_box(line: Line) -> bool:
    """Return whether the line is drawn: a border, or source and local variables inside one."""
    return without_rank(line.message)[:1] in ("╭", "│", "╰")


def without_rank(message: str) -> str:
    """Return the message without the mark of the shard that said it."""
    return _RANK.sub("", _RANK.sub("", message))


def read_tracebacks(lines: Sequence[Line]) -> list[Traceback]:
    """Return all tracebacks in their order. One whose beginning is lost keeps its message."""
    found: list[Traceback] = []
    header, index, other_box = Line(0.0, "", ""), 0, False
    while index < len(lines):
        if begins_entry(lines[index]):
            header, other_box = lines[index], False
        text = without_rank(lines[index].message)
        top, bottom = _TOP.match(text), _BOTTOM.match(text)
        begins = _PLAIN.match(text) or (top and _TITLE in text) or (bottom and not other_box)
        one = _TracebackReader(lines, index).read(header) if begins else None
        if one:
            found.append(one)
        other_box = bool(top) or (other_box and not bottom)
        index = one.end if one else index + 1
    return found


class _TracebackReader:
    """Reads one traceback, line by line."""

    def __init__(self, lines: Sequence[Line], index: int) -> None:
        self.lines, self.begin, self.at = lines, index, index
        self.frames: list[str] = []

    def read(self, header: Line) -> Traceback | None:
        """Return the traceback; None if no message follows."""
        messages, links = [self._exception()], []
        while self._text() in (_DIRECT, _DURING):
            links.append(self._text())
            self.at += 1
            messages.append(self._exception())
        message = messages.pop()
        if not message:
            return None
        direct = 0
        while direct < len(links) and links[-1 - direct] == _DIRECT:
            direct += 1
        nearest = tuple(reversed(messages))
        frames = tuple(self.frames)
        return Traceback(
            self.begin, self.at, header, frames, message, nearest[:direct], nearest[direct:]
        )

    def _text(self) -> str:
        while self.at < len(self.lines) and not without_rank(self.lines[self.at].message).strip():
            self.at += 1
        return without_rank(self.lines[self.at].message) if self.at < len(self.lines) else ""

    def _exception(self) -> str:
        """Read the frames of one exception, and return its message."""
        text, width = self._text(), 0
        self.frames = []
        if _PLAIN.match(text):
            self.at += 1
            self._plain_frames()
        while _TOP.match(self._text()) or _BOTTOM.match(self._text()):
            width = len(self._text())
            self._box(width)
        parts: list[str] = []
        while self.at < len(self.lines) and not (parts and self._ends_message()):
            parts.append(self._text().strip())
            self.at += 1
        return mask(_join(parts[:_MOST], width)).strip()

    def _ends_message(self) -> bool:
        text = self._text()
        return (
            self.at >= len(self.lines)
            or begins_entry(self.lines[self.at])
            or text in (_DIRECT, _DURING)
            or any(one.match(text) for one in (_PLAIN, _TOP, _OTHER))
        )

    def _plain_frames(self) -> None:
        while self.at < len(self.lines):
            text = self._text()
            if found := _FILE.match(text):
                self.frames.append("{}:{} in {}".format(*found.groups()))
            elif not text[:1].isspace() and not text.startswith("[Previous line repeated"):
                return
            self.at += 1

    def _box(self, width: int) -> None:
        """Read a box up to and with its lower border."""
        parts: list[str] = []
        while self.at < len(self.lines) and not begins_entry(self.lines[self.at]):
            text = self._text()
            self.at += 1
            if _BOTTOM.match(text):
                return
            inside = text[2:].rstrip(" │")
            if inside.startswith("/"):
                parts = [inside]
            elif parts and inside[:1] not in ("", "╭", "│", "╰"):
                parts.append(inside)
            else:
                parts = []
            if found := _BOXED_FILE.match(_join(parts, width - 4)):
                self.frames.append("{}:{} in {}".format(*found.groups()))
                parts = []


def _join(parts: Sequence[str], width: int) -> str:
    """Undo the wrapping at ``width`` columns; 0: each part is a line of its own.

    Words that are longer than a line are cut, and their pieces fill whole lines. A credential
    that was cut is masked to its end.
    """
    text, last = "", ""
    for part in parts:
        here = part
        if width and last and _CUT.search(last):
            here = re.sub(r"^[^\s'\",]+", "***", part)
        cut = width and len(last) >= width and " " not in last
        text += here if cut or not text else f" {here}"
        last = here if here != part else part
    return text
