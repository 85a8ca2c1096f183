"""Check that a result goes between the marks of its own target, and nowhere else."""

from __future__ import annotations

from pathlib import Path

import pytest

from benchmarks.gateway import Failed
from benchmarks.page_marks import END, begin, replace_in, write_between


def test_each_target_has_its_own_place(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text(f"# A\n\n{begin('a')}\nold\n{END}\n\nwords\n\n{begin('b')}\n{END}\n")
    write_between(page, "b", r"new \1")
    write_between(page, "a", "first")
    assert page.read_text() == (
        f"# A\n\n{begin('a')}\n\nfirst\n\n{END}\n\nwords\n\n{begin('b')}\n\nnew \\1\n\n{END}\n"
    )


def test_a_page_without_marks_is_refused() -> None:
    with pytest.raises(Failed, match="has no place for the result: write <!-- make a writes"):
        replace_in(f"{begin('b')}\n{END}", "a", "new")
