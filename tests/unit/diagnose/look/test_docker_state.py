"""Test whether the diagnosis sees that Docker would not start again."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from ansible.module_utils.tgi.diagnose.look.docker_state import read_docker

from tests.support.diagnose.looks import FakeDocker, gpu_host, up, verdict_of
from tests.support.diagnose.shell import Shell, shown

UNIT = (
    "ExecStart={ path=/d ; argv[]=/usr/bin/dockerd -H fd:// --log-driver=journald ; "
    "ignore_errors=no }\n"
)


def put(root: Path, config: Any) -> None:
    (root / "etc/docker").mkdir(parents=True)
    text = config if isinstance(config, str) else json.dumps(config)
    (root / "etc/docker/daemon.json").write_text(text)


@pytest.mark.parametrize(
    ("config", "said"),
    [
        ({"live-restore": True}, ""),
        ("", ""),
        ({"log-driver": "local"}, "daemon.json must not set log-driver: Docker's unit passes --lo"),
        ({"hosts": ["fd://"]}, "daemon.json must not set hosts: Docker's unit passes -H, and"),
        ("{", "/etc/docker/daemon.json is not valid JSON"),
    ],
)
def test_what_keeps_docker_from_starting_again(tmp_path: Path, config: Any, said: str) -> None:
    put(tmp_path, config)
    found = read_docker(Shell(ExecStart=(0, UNIT), systemctl=shown()), tmp_path)
    assert found["next_start"].startswith(said) and bool(found["next_start"]) == bool(said)
    assert (found["active"], found["problem"]) == ("active", "")


def test_it_is_a_warning_while_docker_runs_and_the_cause_after(tmp_path: Path) -> None:
    put(tmp_path, {"log-driver": "local"})
    answers = {"systemctl": (0, UNIT + shown()[1])}
    seen, _ = gpu_host(tmp_path, FakeDocker(up(), []), answers=answers)
    row = next(row for row in verdict_of(gpu=seen).rows() if row["link"] == "docker")
    assert row["state"] == "warning" and "{log-driver: null}" in str(row)
    seen["docker"]["problem"] = "Cannot connect to the Docker daemon"
    verdict = verdict_of(gpu=seen)
    assert verdict.cause
    assert verdict.cause.link == "docker"
    assert "remove the option (systemctl cat docker" in verdict.line


@pytest.mark.parametrize(
    ("kernel", "options", "unconfined"),
    [
        ("Y\n", "[name=seccomp,profile=builtin name=cgroupns]", True),
        ("Y\n", "[name=apparmor name=seccomp,profile=builtin]", False),
        ("N\n", "[name=seccomp,profile=builtin]", False),
        ("", "[name=seccomp,profile=builtin]", False),
    ],
)
def test_containers_that_apparmor_could_confine(
    tmp_path: Path, kernel: str, options: str, unconfined: bool
) -> None:
    (tmp_path / "sys/module/apparmor/parameters").mkdir(parents=True)
    (tmp_path / "sys/module/apparmor/parameters/enabled").write_text(kernel)
    answers = {"SecurityOptions": (0, options)}
    seen, _ = gpu_host(tmp_path, FakeDocker(up(), []), answers=answers)
    assert seen["docker"]["unconfined"] is unconfined
    row = next(row for row in verdict_of(gpu=seen).rows() if row["link"] == "docker")
    assert (row["state"] == "warning") is unconfined
    assert ("without AppArmor" in str(row)) is unconfined
