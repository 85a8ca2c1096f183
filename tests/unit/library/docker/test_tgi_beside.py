"""Test the module that finds and stops what stands beside a model's active set."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from ansible.module_utils.tgi.models.project_files import write_project
from ansible.module_utils.tgi.models.record import Record

from tests.support.modules.module_options import differences, documented_options
from tests.support.run_module import load, run

PLACE = {"port": 8083, "url": "http://127.0.0.1:8083", "project": "tgi2-a", "gpus": ["1"]}


@pytest.fixture
def base(tmp_path: Path) -> Path:
    (tmp_path / "a").mkdir()
    record = Record("a", "tgi2-a", 8083, ["1"])
    write_project(tmp_path / "a", "# Written by tgi-ansible\n", "", record, dry=False)
    return tmp_path


def call(
    base: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    stopped: list[str],
    state: str,
    check: bool = False,
) -> dict[str, Any]:
    module = load("tgi_beside")
    there = module.leftovers.Leftover("a", "tgi-a", 8081, ["0"], True)
    monkeypatch.setattr(module.leftovers, "find_leftovers", lambda *_: [there])
    monkeypatch.setattr(module.leftovers, "take_down", lambda one: stopped.append(one.project))
    return run(module, capsys, check, state=state, base_dir=str(base))


@pytest.mark.parametrize(
    ("state", "check", "stops"),
    [("listed", False, []), ("absent", True, []), ("absent", False, ["tgi-a"])],
)
def test_what_it_finds_and_stops(
    base: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    state: str,
    check: bool,
    stops: list[str],
) -> None:
    stopped: list[str] = []
    found = call(base, capsys, monkeypatch, stopped, state, check)
    assert (found["changed"], stopped) == (state == "absent", stops)
    assert [one["project"] for one in found["beside"]] == ["tgi-a"]
    assert found["places"] == {"a": PLACE}


def test_a_damaged_record_is_refused(
    base: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    (base / "a/deployed.json").write_text("{")
    stopped: list[str] = []
    answer = call(base, capsys, monkeypatch, stopped, "absent")
    assert "is damaged" in answer["msg"]
    assert stopped == []


def test_a_host_without_docker_is_told_what_to_do(
    base: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(base))
    answer = run(load("tgi_beside"), capsys, state="absent", base_dir=str(base))
    assert "Remedy: " in answer["msg"]


def test_documentation_agrees() -> None:
    module = load("tgi_beside")
    assert differences(documented_options(module), module.ARGUMENTS) == []
