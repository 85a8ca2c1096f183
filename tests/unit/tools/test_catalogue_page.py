"""Test that docs/models.md has the table of today's catalogue."""

from __future__ import annotations

import pytest

from tools import catalogue_page


def test_the_page_is_up_to_date(capsys: pytest.CaptureFixture[str]) -> None:
    assert catalogue_page.main(["--check"]) == 0, capsys.readouterr().out


def test_an_old_page_is_found(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(catalogue_page, "table", lambda: "| new |")
    assert catalogue_page.main(["--check"]) == 1
    assert capsys.readouterr().out == "docs/models.md is out of date; run make docs\n"
