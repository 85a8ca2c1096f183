"""Check names that nginx compares without regard to case."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import Any

from ...common.problem import problem, shown

NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")


def same_but_for_case(variable: str, names: Iterable[Any]) -> Iterator[str]:
    """Refuse names that differ only in case."""
    seen: dict[str, str] = {}
    for name in map(str, names):
        other = seen.setdefault(name.lower(), name)
        if other != name:
            what = f"has {shown(name)} and {shown(other)}, which nginx treats as equal"
            yield problem(variable, what, "rename one")
