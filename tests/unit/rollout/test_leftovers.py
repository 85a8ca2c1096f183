"""Test what is found, and stopped, beside the container of a model's active set."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pytest

from module_utils.tgi.common.commands import CommandOutput
from module_utils.tgi.docker.compose_containers import DockerError
from module_utils.tgi.models.record import FILE, Record, to_text
from module_utils.tgi.rollout.leftovers import (
    Leftover,
    active_records,
    find_leftovers,
    place_of,
    take_down,
)

NOW = Record("a.b", "tgi2-ab", 8083, ["1"])
OLD = Leftover("a.b", "tgi-ab", 8081, ["0"], runs=True)
_LABEL = "com.docker.compose.project"


def container(project: str, directory: Path, status: str = "running") -> dict[str, Any]:
    labels = {_LABEL: project, f"{_LABEL}.working_dir": str(directory)}
    ports = {"80/tcp": [{"HostIp": "10.0.0.5", "HostPort": "8081"},
                        {"HostIp": "127.0.0.1", "HostPort": "8081"}]}  # fmt: skip
    requests = [{"Driver": "cdi", "DeviceIDs": ["nvidia.com/gpu=0"]}]
    host = {"PortBindings": ports, "DeviceRequests": requests}
    state = {"Status": status, "Pid": 7}
    return {"Id": project, "Config": {"Labels": labels}, "HostConfig": host, "State": state}


def docker(*containers: dict[str, Any]) -> Any:
    def run(arguments: Sequence[str]) -> tuple[int, str, str]:
        listed = " ".join(one["Id"] for one in containers)
        return 0, listed if arguments[0] == "ps" else json.dumps(containers), ""

    return run


def test_the_container_of_the_other_project_is_found(tmp_path: Path) -> None:
    here = tmp_path / "a.b"
    both = docker(container("tgi-ab", here), container("tgi2-ab", here))
    assert find_leftovers(tmp_path, [NOW], both) == [OLD]
    stopped = docker(container("tgi-ab", here, "exited"))
    assert [one.runs for one in find_leftovers(tmp_path, [NOW], stopped)] == [False]
    assert find_leftovers(tmp_path, [NOW], docker(container("tgi2-ab", here))) == []
    assert find_leftovers(tmp_path, [], both) == []


def test_another_ones_container_of_that_name_is_none(tmp_path: Path) -> None:
    assert find_leftovers(tmp_path, [NOW], docker(container("tgi-ab", Path("/srv/own")))) == []
    # Nor is anything beside a project that is not ours
    strange = Record("a.b", "mine", 8083, [])
    assert find_leftovers(tmp_path, [strange], docker(container("tgi-ab", tmp_path / "a.b"))) == []


def test_the_records_of_what_is_deployed(tmp_path: Path) -> None:
    for name in ("a.b", "c"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "compose.yaml").write_text("# Written by tgi-ansible\n")
    (tmp_path / "a.b" / FILE).write_text(to_text(NOW))
    assert active_records(tmp_path) == [NOW]
    assert active_records(tmp_path, ["c"]) == []
    assert place_of(NOW) == {
        "port": 8083, "url": "http://127.0.0.1:8083", "project": "tgi2-ab", "gpus": ["1"],
    }  # fmt: skip


def test_it_is_stopped_by_its_project() -> None:
    seen: list[Sequence[str]] = []

    def run(command: Sequence[str], _seconds: float) -> CommandOutput:
        seen.append(command)
        return CommandOutput(1 if len(seen) > 1 else 0, "", "warning\nno such thing\n")

    take_down(OLD, run)
    assert seen[0][:5] == ["docker", "compose", "-p", "tgi-ab", "down"]
    with pytest.raises(DockerError, match="no such thing"):
        take_down(OLD, run)
    assert asdict(OLD)["project"] == "tgi-ab"
