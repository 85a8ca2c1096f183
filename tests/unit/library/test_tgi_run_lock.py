"""Test the module's options and results."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.support.run_module import load, run

ANNA = {"user": "anna", "controller": "ctl1", "boot": "b", "pid": 4711, "began": 9}
BEN = {"user": "ben", "controller": "ctl2", "boot": "c", "pid": 12, "began": 8}


def test_two_runs_and_a_host(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    module, path = load("tgi_run_lock"), tmp_path / "lock"

    def ask(check: bool = False, **options: Any) -> dict[str, Any]:
        return run(module, capsys, check, path=str(path), **options)

    assert ask(run=ANNA, check=True)["changed"] and not path.exists()
    assert ask(run=ANNA, busy_seconds=5000)["changed"]
    assert not ask(run=ANNA)["changed"]
    assert not ask(run=ANNA, state="renewed")["changed"]
    refused = ask(run=BEN, check=True)
    assert refused["failed"] and refused["holder"] == ANNA
    assert "anna@ctl1 has been changing this host" in refused["msg"]
    assert not ask(run=BEN, state="free")["changed"]
    assert "from a run of anna@ctl1" in ask(run=BEN, ended=ANNA)["note"]
    assert ask(run=ANNA, take_over=True)["changed"]
    assert ask(run=ANNA, state="free")["changed"] and not path.exists()
    path.write_text("not ours")
    refused = ask(run=ANNA)
    assert refused["failed"] and "holder" not in refused
    path.unlink()
    path.mkdir()
    assert "Is a directory" in ask(run=ANNA)["msg"]
