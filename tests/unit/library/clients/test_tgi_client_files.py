"""Test the module's options and what it returns; the rest is gateway/consumers/client_tree.py."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.support import run_module

MODULE = run_module.load("tgi_client_files")


def call(tmp_path: Path, capsys: pytest.CaptureFixture[str], **args: Any) -> dict[str, Any]:
    return run_module.run(MODULE, capsys, directory=str(tmp_path), **args)


def test_files_are_written_once_and_removed(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    files = {"client.env": "KEY=sk-planted\n"}
    first = call(tmp_path, capsys, consumer="duck", files=files)
    assert first["changed"] and str(tmp_path / "duck" / "client.env") in first["written"]
    assert "sk-planted" not in str(first)
    assert not call(tmp_path, capsys, consumer="duck", files=files)["changed"]
    (tmp_path / "duck" / "notes").write_text("mine")
    last = call(tmp_path, capsys, only=[])
    assert last["changed"] and str(tmp_path / "duck" / "client.env") in last["removed"]
    assert last["left"] == [str(tmp_path / "duck" / "notes")]


def test_check_mode_writes_nothing(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert call(tmp_path, capsys, consumer="duck", files={"a": "1"}, check=True)["changed"]
    assert not (tmp_path / "duck").exists()


@pytest.mark.parametrize("args", [{}, {"consumer": "duck"}, {"consumer": "..", "files": {}}])
def test_wrong_options_are_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], args: dict[str, Any]
) -> None:
    assert call(tmp_path, capsys, **args)["failed"]
