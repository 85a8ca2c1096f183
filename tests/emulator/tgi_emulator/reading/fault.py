"""What serde says of a body that does not fit: its words, its place, and Rust's way of quoting."""

from __future__ import annotations

from typing import Any

from ..api.rust_words import quoted, ryu

Step = str | int | None
"""One step into a body: a key, an index, or a key that was not read yet."""

Names = tuple[tuple[str, ...], ...]
"""The variants of an enum in their order, each with its aliases."""


class Fault(Exception):
    """A body that does not fit its type, or is no JSON (`syntax`).

    `at` is the byte that its message names. The first reader on the way out that knows fills in
    `at` and `path`: what was buffered has lost both.
    """

    def __init__(self, message: str, at: int | None = None, *, syntax: bool = False) -> None:
        super().__init__(message)
        self.message, self.at, self.syntax = message, at, syntax
        self.path: list[Step] | None = None

    def told(self, raw: bytes) -> str:
        """The whole sentence, as serde_path_to_error and serde_json write it."""
        where, steps = "", self.path or []
        for place, step in enumerate(steps):
            if isinstance(step, int):
                where += f"[{step}]"
            else:
                where += f"{'.' if place else ''}{'?' if step is None else step}"
        named = any(step is not None for step in steps)
        told = f"{where}: {self.message}" if named else self.message
        if self.at is None:
            return told
        start = raw.rfind(b"\n", 0, self.at) + 1
        line = raw.count(b"\n", 0, start) + 1
        return f"{told} at line {line} column {self.at - start}"


def wrong_type(value: Any, expected: str) -> str:
    return f"invalid type: {_named(value)}, expected {expected}"


def wrong_value(value: int, expected: str) -> str:
    return f"invalid value: {_named(value)}, expected {expected}"


def wrong_length(length: int, expected: str, count: int) -> str:
    """`expected` has {} where "2 elements" goes."""
    elements = "1 element" if count == 1 else f"{count} elements"
    return f"invalid length {length}, expected {expected.format(elements)}"


def variant_named(name: str, names: Names) -> tuple[str, str]:
    """The variant of that name, or "" and what serde says when there is none."""
    for aliases in names:
        if name in aliases:
            return aliases[0], ""
    known = [f"`{alias}`" for aliases in names for alias in aliases]
    return "", f"unknown variant `{name}`, expected one of {', '.join(known)}"


def _named(value: Any) -> str:
    if value is None:
        return "null"
    if isinstance(value, bool):
        return f"boolean `{str(value).lower()}`"
    if isinstance(value, int):
        return f"integer `{value}`"
    if isinstance(value, float):
        return f"floating point `{ryu(value)}`"
    if isinstance(value, str):
        return f"string {quoted(value)}"
    return "map" if isinstance(value, Pairs) else "sequence"


class Pairs(list[tuple[str, Any]]):
    """A JSON object as it stands in the text: in order, keys twice if they came twice."""
