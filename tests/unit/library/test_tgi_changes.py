"""Test the module on a host without Docker, its documentation, and that it shows no secret."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.support.modules.module_options import differences, documented_options
from tests.support.run_module import load, run


def options(tmp_path: Path, **more: Any) -> dict[str, Any]:
    model = {"name": "a", "project": "tgi-a", "port": 8081, "gpus": [0], "model_id": "x/y"}
    return {
        "base_dir": str(tmp_path / "opt"),
        "models": [model],
        "image": "x@sha256:0",
        "options_digests": {"a": "1" * 64},
        "compose": {"a": "# Written by tgi-ansible\nservices:\n  tgi:\n    shm_size: 1g\n"},
        "secrets": {"a": "T='a-token'\n"},
        **more,
    }


def without_docker(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))


@pytest.mark.parametrize("check", [False, True])
def test_a_host_without_docker(
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    check: bool,
) -> None:
    without_docker(monkeypatch, tmp_path)
    answer = run(load("tgi_changes"), capsys, check, **options(tmp_path))
    (model,) = answer["models"]
    assert (model["name"], model["action"], answer["changed"]) == ("a", "start", False)
    assert answer["ansible_facts"] == {
        "tgi_changes": answer["models"],
        "tgi_room": {},
        "tgi_locked": False,
    }
    assert list(tmp_path.iterdir()) == []


def test_a_change_of_what_tgi_deployed_wrote(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    without_docker(monkeypatch, tmp_path)
    given = options(tmp_path)
    run(load("tgi_deployed"), capsys, **given, data_dir=str(tmp_path / "data"))
    changed = options(
        tmp_path,
        compose={"a": given["compose"]["a"].replace("1g", "2g")},
        secrets={"a": "T='another-token'\n"},
    )
    answer = run(load("tgi_changes"), capsys, **changed)
    (model,) = answer["models"]
    assert (model["action"], model["why"]) == (
        "replace",
        ["shm_size 1g → 2g", "token of the Hub"],
    )
    assert model["serves"] is False
    assert answer["room"]["ports"] and answer["room"]["memory"]
    assert "a-token" not in json.dumps(answer) and "another-token" not in json.dumps(answer)
    (model,) = run(load("tgi_changes"), capsys, **{**changed, "models": []})["models"]
    assert (model["name"], model["action"]) == ("a", "stop")


def test_a_model_without_a_text_is_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    answer = run(load("tgi_changes"), capsys, **options(tmp_path, options_digests={}))
    assert answer["msg"] == "a has no text in compose, or no digest; write both"


def test_docker_compose_refuses(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    module = load("tgi_changes")

    def refuse(*_: Any) -> None:
        raise module.DockerError("no space left on device")

    monkeypatch.setattr(module, "find_changes", refuse)
    answer = run(module, capsys, **options(tmp_path))
    assert answer["msg"].startswith("Docker Compose does not say what it would do: no space left")
    assert "Remedy: " in answer["msg"]


def test_documentation_agrees(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    module = load("tgi_changes")
    assert differences(documented_options(module), module.ARGUMENTS) == []
    deployed = load("tgi_deployed")
    assert differences(documented_options(deployed), deployed.ARGUMENTS) == []
    without_docker(monkeypatch, tmp_path)
    (model,) = run(module, capsys, **options(tmp_path))["models"]
    assert yaml.safe_load(module.RETURN)["models"]["contains"].keys() == model.keys()
