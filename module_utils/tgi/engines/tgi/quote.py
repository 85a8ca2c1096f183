"""Quote from TGI's log what tells why it ended, and what leads to it."""

from __future__ import annotations

import re
from collections.abc import Sequence

from ...common.log_lines import Line
from .causes import Cause
from .tracebacks import Traceback, in_box, read_tracebacks

_BEFORE = 4
"""Lines of the log before the one that tells."""
_FRAMES = 3
_LAST = 15
"""Lines if none tells."""
_TROUBLE = re.compile(r"error: |Error: |Traceback|thread '.*panicked")
_SECRET = re.compile(r"authorization|bearer", re.IGNORECASE)
#: What the server logs to its standard error before its log is set up
_NOISE = re.compile(r"\d{4}-\d\d-\d\d \S+ \| (?:INFO|DEBUG) ")
_OURS = "text_generation_server/"


def quote(lines: Sequence[Line], cause: Cause | None = None) -> tuple[str, ...]:
    """Return the line that names the cause and what leads to it, for people to read.

    Of a traceback it keeps the frames of TGI's own code and its last line. Boxes, and the local
    variables in them, are never quoted: they hold tokens, and the wrapping may cut one in two.
    Without a line that tells, return the last lines, from shortly before the first trouble.
    """
    told, trouble = _readable(lines)
    at = next((at for at, text in enumerate(told) if cause and text == cause.line), None)
    if at is not None:
        first = at
        while first and told[first - 1].startswith("  "):
            first -= 1
        return tuple(told[max(0, first - _BEFORE) : at + 1])
    last = told[max(0, trouble - 2) :][-_LAST:]
    return (cause.line, *last) if cause and cause.line else tuple(last)


def _readable(lines: Sequence[Line]) -> tuple[list[str], int]:
    """Return the log without boxes and launcher's arguments, and where the trouble begins."""
    tracebacks = {one.index: one for one in read_tracebacks(lines)}
    told: list[str] = []
    trouble = at = 0
    in_arguments = False
    while at < len(lines):
        line = lines[at]
        if not trouble and (line.level == "ERROR" or _TROUBLE.match(line.message)):
            trouble = len(told)
        if at in tracebacks:
            told += _frames(tracebacks[at])
            told.append(tracebacks[at].message)
            at = tracebacks[at].end
            continue
        at += 1
        in_arguments = line.message != "}" if in_arguments else line.message == "Args {"
        if in_arguments or line.message.strip() in ("", "}") or in_box(line):
            continue
        if not (_SECRET.search(line.text) or _NOISE.match(line.text)):
            told.append(line.text)
    return told, trouble


def _frames(one: Traceback) -> list[str]:
    """Return the last places in TGI's own code, and the innermost of all."""
    ours = [frame for frame in one.frames if _OURS in frame]
    shown = ours[-_FRAMES:]
    if one.frames and one.frames[-1] not in shown:
        shown.append(one.frames[-1])
    return [f"  {_short(frame)}" for frame in shown]


def _short(frame: str) -> str:
    """Return PATH:LINE in FUNCTION with the path from its package on."""
    path, _, rest = frame.rpartition(" in ")
    for start in (_OURS, "site-packages/", "dist-packages/"):
        if start in path:
            path = path[path.rindex(start) + (0 if start == _OURS else len(start)) :]
    return f"{path} in {rest}"
