"""Make lines on which a pattern is slow, if there are any: from the pattern itself."""

from __future__ import annotations

import importlib
import re
from collections.abc import Iterator
from typing import Any

# They have no types
sre: Any = importlib.import_module("re._constants")
_parser: Any = importlib.import_module("re._parser")
#: Repeats of at least so many are pumped.
_MANY = 50
#: What no pattern expects, so that a match fails at the end.
_ENDS = ("\x00", "\n\x00")


def lines(pattern: str, flags: int, longest: int) -> Iterator[str]:
    """Yield lines of ``longest`` characters: each repeat of the pattern pumped, each beginning
    repeated.
    """
    tree = _parser.parse(pattern, flags & ~re.DEBUG)
    seen: set[str] = set()
    for before, unit in _pumps(list(tree), ""):
        for head, body in ((before, unit), ("", before + unit), ("", before)):
            for end in _ENDS if body else ():
                whole = head + body * (1 + longest // len(body))
                made = whole[: longest - len(end)] + end
                if made not in seen:
                    seen.add(made)
                    yield made


def _pumps(nodes: list[Any], before: str) -> Iterator[tuple[str, str]]:
    """Yield what comes before each repeat, and what it repeats."""
    for kind, value in nodes:
        if kind in (sre.MAX_REPEAT, sre.MIN_REPEAT, sre.POSSESSIVE_REPEAT):
            least, most, inner = value
            if most >= _MANY:
                for unit in _samples(list(inner)):
                    yield before, unit
            yield from _pumps(list(inner), before)
            before += _sample(list(inner)) * min(max(least, 1), _MANY)
            continue
        for part in _parts(kind, value):
            yield from _pumps(part, before)
        before += _sample([(kind, value)])
    yield before, before


def _parts(kind: Any, value: Any) -> list[list[Any]]:
    if kind is sre.SUBPATTERN:
        return [list(value[3])]
    if kind is sre.ATOMIC_GROUP:
        return [list(value)]
    if kind is sre.BRANCH:
        return [list(one) for one in value[1]]
    if kind in (sre.ASSERT, sre.ASSERT_NOT):
        return [list(value[1])]
    return []


def _samples(nodes: list[Any]) -> set[str]:
    """Return texts that match these nodes; for a class or choice, some of what it takes."""
    if len(nodes) == 1:
        kind, value = nodes[0]
        if kind is sre.IN:
            return {*_members(value)}
        if kind is sre.BRANCH:
            return {_sample(list(one)) for one in value[1]}
        if kind is sre.SUBPATTERN:
            return _samples(list(value[3]))
        if kind in (sre.ANY, sre.NOT_LITERAL):
            return {"a", " ", "0", "(", "[", "{", '"', "\\", "/", ":", "-"}
    return {_sample(nodes)}


def _sample(nodes: list[Any]) -> str:
    """Return a text that matches, or nearly does."""
    text = ""
    for kind, value in nodes:
        if kind is sre.LITERAL:
            text += chr(value)
        elif kind is sre.NOT_LITERAL:
            text += "b" if value == ord("a") else "a"
        elif kind is sre.ANY:
            text += "a"
        elif kind is sre.IN:
            text += _members(value)[0]
        elif kind in (sre.MAX_REPEAT, sre.MIN_REPEAT, sre.POSSESSIVE_REPEAT):
            text += _sample(list(value[2])) * min(max(value[0], 1), _MANY)
        elif parts := _parts(kind, value):
            text += "" if kind is sre.ASSERT_NOT else _sample(parts[0])
    return text


_SETS = {
    sre.CATEGORY_DIGIT: "0", sre.CATEGORY_SPACE: " \t\n", sre.CATEGORY_WORD: "a0_",
    sre.CATEGORY_NOT_DIGIT: "a -", sre.CATEGORY_NOT_SPACE: "a0-", sre.CATEGORY_NOT_WORD: " -/.",
}  # fmt: skip


def _members(items: list[Any]) -> list[str]:
    """Return some characters of a class."""
    found = ""
    for kind, value in items:
        if kind is sre.LITERAL:
            found += chr(value)
        elif kind is sre.RANGE:
            found += chr(value[0])
        elif kind is sre.CATEGORY:
            found += _SETS[value]
    if items[0][0] is sre.NEGATE:
        taken = "".join(one for one in "a0 -/.:(" if one not in found)
        return [*taken] or ["\x01"]
    return [*found] or ["a"]
