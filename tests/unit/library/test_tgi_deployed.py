"""Test the module that writes all Compose projects in one task."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.support.run_module import load, run

MODEL = {"name": "a.b", "project": "tgi-ab", "port": 8081, "gpus": [0], "revision": None}


def options(tmp_path: Path, **more: Any) -> dict[str, Any]:
    return {
        "base_dir": str(tmp_path / "opt"),
        "data_dir": str(tmp_path / "data"),
        "models": [{**MODEL, "model_id": "/data/x", "aliases": ["c"]}],
        "image": "x@sha256:0",
        "options_digests": {"a.b": "1" * 64},
        "compose": {"a.b": "KEY: a-secret\n"},
        "secrets": {"a.b": "T='a-token'\n"},
        "commit": "2" * 40,
        **more,
    }


def test_a_first_run_and_a_second(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    module = load("tgi_deployed")
    checked = run(module, capsys, check=True, **options(tmp_path))
    assert checked["changed"] and not (tmp_path / "opt").exists()
    first = run(module, capsys, **options(tmp_path))
    assert first["projects"] == ["a.b"]
    assert first["files"] == checked["files"] and len(first["files"]) == 6
    record = json.loads((tmp_path / "opt/a.b/deployed.json").read_text())
    del record["deployed_at"]
    assert record == {
        "schema": 1,
        "name": "a.b",
        "project": "tgi-ab",
        "engine": "tgi",
        "port": 8081,
        "gpus": ["0"],
        "image": "x@sha256:0",
        "model_id": "/data/x",
        "revision": "",
        "aliases": ["c"],
        "options_digest": "1" * 64,
        "commit": "2" * 40,
    }
    second = run(module, capsys, **options(tmp_path, commit="3" * 40))
    assert (second["changed"], second["files"], second["projects"]) == (False, [], [])


def test_weights_are_for_root_alone(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    module = load("tgi_deployed")
    run(module, capsys, **options(tmp_path))
    assert (tmp_path / "data").stat().st_mode & 0o777 == 0o700
    (tmp_path / "data").chmod(0o755)
    again = run(module, capsys, **options(tmp_path))
    assert (again["files"], again["projects"]) == ([str(tmp_path / "data")], [])
    assert run(module, capsys, **options(tmp_path))["changed"] is False


def test_secrets_stay_out_of_the_result(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    module = load("tgi_deployed")
    answer = run(module, capsys, **options(tmp_path, show_compose=False))
    assert [diff["prepared"].count("\n+") > 5 for diff in answer["diff"]] == [True]
    assert "a-secret" not in json.dumps(answer)
    assert "a-token" not in json.dumps(answer)
    changed = options(tmp_path, compose={"a.b": "name: x\nKEY: plain\n"})
    (diff,) = run(module, capsys, **changed)["diff"]
    assert "+KEY: plain" in diff["prepared"]


def test_removal(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    module = load("tgi_deployed")
    run(module, capsys, **options(tmp_path))
    gone: dict[str, Any] = {
        "state": "absent",
        "base_dir": str(tmp_path / "opt"),
        "models": [{"name": "a.b"}],
    }
    assert run(module, capsys, **gone)["changed"]
    assert not (tmp_path / "opt/a.b").exists()
    assert not run(module, capsys, **gone)["changed"]


def test_a_model_without_a_text_is_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    answer = run(load("tgi_deployed"), capsys, **options(tmp_path, compose={}))
    assert answer["failed"]
    assert answer["msg"] == "a.b has no text in compose, or no digest; write both"
    assert not (tmp_path / "opt").exists()
