"""Regular expressions as TGI's parser (interegular) takes them: what it cannot do, in its words.

It says nothing at all of most mistakes: the error's message is empty.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from re import _constants as sre  # type: ignore[attr-defined]
from re import _parser as sre_parser  # type: ignore[attr-defined]
from typing import Any

from .text import TextError

_GROUPS = "Group references are not implemented"
_PROPERTIES = "regex module unicode properties are not supported."
_PLACES = {
    sre.AT_BEGINNING: "'^'", sre.AT_END: "'$'",
    **{place: f"Escape \\{letter} is not implemented" for place, letter in (
        (sre.AT_BEGINNING_STRING, "A"), (sre.AT_END_STRING, "Z"),
        (sre.AT_BOUNDARY, "b"), (sre.AT_NON_BOUNDARY, "B"))},
}  # fmt: skip
#: By the beginning of Python's words; a range is named in both.
_MISTAKES = {
    "bad character range ": "Invalid Character-range: ",
    "bad escape \\p": _PROPERTIES,
    "bad escape \\P": _PROPERTIES,
    "invalid group reference": _GROUPS,
    "unknown group name": _GROUPS,
}


def parsed(pattern: str) -> Any:
    """Return the parts of a pattern; raise TextError if TGI's parser would."""
    try:
        tree = sre_parser.parse(pattern)
    except re.error as error:
        for begins, said in _MISTAKES.items():
            if error.msg.startswith(begins):
                named = error.msg.removeprefix(begins) if said.endswith(" ") else ""
                raise TextError(said + named) from None
        raise TextError from None
    # Looking back is only refused when the whole pattern was read
    for refused in sorted(_refused(tree), key=lambda one: one.startswith("lookbacks")):
        raise TextError(refused)
    return tree


def _refused(tree: Any) -> Iterator[str]:
    for op, arg in tree:
        if op is sre.AT:
            yield _PLACES[arg]
        elif op is sre.GROUPREF:
            yield _GROUPS
        elif op in (sre.ASSERT, sre.ASSERT_NOT):
            if arg[0] < 0:
                yield "lookbacks are not implemented"
            yield from _refused(arg[1])
        elif op is sre.BRANCH:
            for option in arg[1]:
                yield from _refused(option)
        elif op is sre.SUBPATTERN:
            yield from _refused(arg[3])
        elif op in (sre.MAX_REPEAT, sre.MIN_REPEAT, sre.POSSESSIVE_REPEAT):
            yield from _refused(arg[2])
