"""Write a result into a page that people write too, between two marks."""

from __future__ import annotations

import re
from pathlib import Path

from benchmarks.gateway import Failed

END = "<!-- until here -->"


def begin(target: str) -> str:
    """Return the mark after which a target of make writes."""
    return f"<!-- make {target} writes this -->"


def replace_in(page: str, target: str, text: str) -> str:
    """Return the page with ``text`` between the marks. Raises Failed if it has none."""
    first = begin(target)
    pattern = re.compile(f"{re.escape(first)}.*?{re.escape(END)}", re.S)
    if not pattern.search(page):
        raise Failed(f"the page has no place for the result: write {first} and {END} into it")
    return pattern.sub(lambda _: f"{first}\n\n{text}\n\n{END}", page)


def write_between(page: Path, target: str, text: str) -> None:
    """Replace what is between the marks of a page."""
    page.write_text(replace_in(page.read_text(encoding="utf-8"), target, text), encoding="utf-8")
