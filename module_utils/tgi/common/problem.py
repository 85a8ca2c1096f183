"""Word problems: where it is, what is wrong, the remedy."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable
from typing import Any

_LONGEST_VALUE = 60
_WORD = re.compile(r"[^\s\"']+")
# That of an image, but not the tag before an image's digest
_LOGIN = re.compile(r"(?<![\w/.:-])[^\s/@:\"']{1,1000}:(?!//)[^\s@\"']{1,3000}@(?!sha256:)")


class Unknown:
    """A value whose template failed; it is reported once, and no other rule checks it."""

    def __str__(self) -> str:
        return "?"


UNKNOWN = Unknown()


def problem(where: str, what: str, remedy: str) -> str:
    """Return one line, such as ``tgi_models[1].port is 0, not a port; write one from 1 to 65535``.

    Control characters become question marks, and logins of URLs asterisks.
    """
    line = without_login(" ".join(f"{where} {what}; {remedy}".split()))
    return "".join(letter if letter.isprintable() else "?" for letter in line)


def shown(value: Any, secret: bool = False) -> str:
    """Return a value for a message: short, and never a secret or what may contain one."""
    if secret:
        return "a secret"
    if isinstance(value, dict):
        return "a mapping"
    if isinstance(value, list):
        return "a list"
    if isinstance(value, bool):
        return "true" if value else "false"
    if value is None:
        return "empty"
    text = f'"{without_login(value)}"' if isinstance(value, str) else str(value)
    return text if len(text) <= _LONGEST_VALUE else text[: _LONGEST_VALUE - 1] + "…"


def without_login(text: str) -> str:
    """Return a text in which user and password of each URL or image are asterisks."""
    return _LOGIN.sub("***@", _WORD.sub(_without_login_in_url, text))


def _without_login_in_url(found: re.Match[str]) -> str:
    # Not by a pattern: it would begin anew at each // of a long word
    word = found.group()
    start, end = word.find("//"), word.rfind("@")
    if word.startswith("@sha256:", max(end, 0)):
        # An image's digest, after which no login comes
        end = word.rfind("@", 0, end)
    return f"{word[:start]}//***{word[end:]}" if 0 <= start < end else word


def closest(name: str, known: Iterable[str], cutoff: float = 0.6) -> str:
    """Return the known name that ``name`` was probably meant to be, or "". A ``cutoff`` of 1 takes
    equal names alone.
    """
    return next(iter(difflib.get_close_matches(name, list(known), n=1, cutoff=cutoff)), "")


def whole(value: Any) -> int | None:
    """Return ``value`` as a whole number if it is one, also if written as text."""
    if isinstance(value, int) and not isinstance(value, bool):
        return int(value)
    text = value.strip() if isinstance(value, str) else ""
    return int(text) if re.fullmatch(r"[-+]?[0-9]{1,18}", text) else None


def number(value: Any) -> float | None:
    """Return ``value`` as a number if it is one, also if written as text."""
    if isinstance(value, bool) or not isinstance(value, (int, float, str)):
        return None
    try:
        return float(value)
    except ValueError:
        return None
