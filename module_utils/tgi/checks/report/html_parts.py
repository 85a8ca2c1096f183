"""Small pieces of the page. All text from outside goes through ``text``."""

from __future__ import annotations

import html
import re
from collections.abc import Iterable, Mapping
from typing import Any

from ..results import ERROR, FAIL, PASS, WARN
from .document import Document

Row = Mapping[str, Any]
#: Worst first. A status is told by a sign and a word, never by its colour alone.
LOOKS = {
    ERROR: ("fail", "✗", "broke"),
    FAIL: ("fail", "✗", "failed"),
    WARN: ("warn", "!", "warned"),
    PASS: ("pass", "✓", "passed"),
}
_UNSHOWN = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\ud800-\udfff\ufffe\uffff]")
# They turn the line around them, and could make a failure read like something else
_TURNING = re.compile(r"[\u200e\u200f\u202a-\u202e\u2066-\u2069]")


def text(value: object) -> str:
    """Safe as an element's text and in a quoted attribute, whatever an engine said."""
    return html.escape(_TURNING.sub("\ufffd", _UNSHOWN.sub("\ufffd", str(value))), quote=True)


def mark(status: str, note: str = "") -> str:
    """A status as a badge; ``note`` replaces its word."""
    kind, sign, word = LOOKS[status]
    return f'<span class="mark {kind}"><span aria-hidden="true">{sign}</span> {note or word}</span>'


def worst(rows: Iterable[Row]) -> str:
    """The worst status among ``rows``."""
    states = {row["status"] for row in rows}
    return next((status for status in LOOKS if status in states), PASS)


def bar(part: float, whole: float) -> str:
    """A timing bar; the figure beside it says the same."""
    share = 100 * part / whole if whole > 0 else 0
    return (
        '<span class="bar" aria-hidden="true">'
        f'<i style="width:{min(100.0, max(0.0, share)):.1f}%"></i></span>'
    )


def place(found: Document) -> str:
    """How the page calls a view of a host."""
    return f"{text(found['view'])} · {text(found['target'])}"


def of_model(row: Row, found: Document) -> str:
    """The model a row is about, or what else."""
    if row["model"]:
        return text(row["model"])
    return "the gateway" if found["view"] == "edge" else "the host"


def anchor(found: Document, row: Row) -> str:
    """The id of a row, the same wherever it is made."""
    words = "-".join((found["view"], found["target"], row["id"], row["model"]))
    return "c-" + re.sub(r"[^A-Za-z0-9.-]", lambda hit: f"_{ord(hit.group()):x}", words)


def moment(iso: str) -> str:
    """A document's time as people read it, in one piece."""
    return text(iso.replace("T", " ").replace("Z", " UTC")).replace(" ", "&nbsp;")


def duration(ms: float) -> str:
    """Milliseconds as people say them."""
    return f"{ms / 1000:.1f} s" if ms >= 10_000 else f"{ms:.0f} ms"
