"""Test what installing an engine would do to the existing one, with fake programs."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from ansible.module_utils.tgi.docker.containers import shims
from ansible.module_utils.tgi.docker.engine_packages import (
    confining,
    dependents,
    foreign,
    major,
    to_install,
)

from tests.support.run_module import load, run

Judge = Callable[..., dict[str, Any]]
CE = {"docker-ce": "5:29.1.0-1~debian.13~trixie", "containerd.io": "2.2.0-1~debian.13~trixie"}
DEBIAN = {"docker.io": "26.1.5+dfsg1-9+b9", "containerd": "1.7.24~ds1-6", "runc": "1.1.15+ds1-2"}
PINNED = {"docker-ce": "5:29.*", "containerd.io": "2.*"}


@pytest.fixture
def judge(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> Judge:
    module: Any = load("docker_packages_info")
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    monkeypatch.setattr(
        module.AnsibleModule, "get_bin_path", lambda _self, name, **_: str(tmp_path / name)
    )
    monkeypatch.setattr(module, "foreign", list)
    monkeypatch.setattr(module, "confining", lambda _: [])
    monkeypatch.setattr(module, "LOCKS", str(tmp_path / "versionlock.list"))

    def call(
        installed: dict[str, str],
        source: str,
        wanted: dict[str, str],
        containers: int = 0,
        unseen: int = 0,
        along: str = "",
        **more: Any,
    ) -> dict[str, Any]:
        status = "hi " if more.pop("held", False) else "ii "
        lines = "".join(f"{status}|{name}|{version}\\n" for name, version in installed.items())
        rpms = "".join(f"{name}|{version}\\n" for name, version in installed.items())
        scripts = {
            "dpkg-query": f"printf '{lines}rc |docker-doc|1\\n'; exit 1",
            "rpm": f"printf '{rpms}'",
            "docker": f"for i in $(seq {containers}); do echo c$i; done",
            "systemctl": f"printf '{more.pop('unit', '')}'",
            "apt-get": f"echo '{along}' | tr , '\\n'",
        }
        for name, script in scripts.items():
            (tmp_path / name).write_text(f"#!/bin/sh\n{script}\n")
            (tmp_path / name).chmod(0o755)
        monkeypatch.setattr(module, "shims", lambda: unseen)
        return run(module, capsys, source=source, wanted=wanted, **more)

    return call


BOTH = [
    (DEBIAN, "docker_ce", "docker-ce replaces docker.io, containerd, runc", "distro"),
    (CE, "distro", "docker.io replaces docker-ce, containerd.io", "docker_ce"),
]


@pytest.mark.parametrize(("installed", "source", "words", "other"), BOTH)
def test_no_engine_goes_under_running_containers(
    installed: dict[str, str], source: str, words: str, other: str, judge: Judge
) -> None:
    rest = f", but 2 containers run. Stop them first, or write docker_source: {other}"
    assert judge(installed, source, {}, containers=2)["msg"] == words + rest
    # Shims of another client, such as Kubernetes, or of a daemon that does not respond
    assert judge(installed, source, {}, unseen=2)["msg"] == words + rest


@pytest.mark.parametrize(("installed", "source", "words", "other"), BOTH)
def test_an_engine_on_which_nothing_runs_goes(
    installed: dict[str, str], source: str, words: str, other: str, judge: Judge
) -> None:
    lines = ",".join(f"Remv {name} [1]" for name in installed)
    answer = judge(installed, source, {}, along=lines)
    assert (answer["changed"], answer["conflicts"]) == (False, list(installed)), words
    refused = judge(installed, source, {}, along=f"{lines},Remv kubelet:amd64 [1.30]")
    assert (
        f"would also remove kubelet. Remove those yourself, or write docker_source: {other}"
        in (refused["msg"])
    )


@pytest.mark.parametrize(
    "name", ["docker-cli", "docker-compose", "docker-compose-v2", "podman-docker", "docker-engine"]
)
def test_what_cannot_stay_beside_dockers_own(name: str, judge: Judge) -> None:
    assert judge({**CE, name: "1"}, "docker_ce", PINNED)["conflicts"] == [name]


def test_engines_of_no_package_are_for_their_owner(tmp_path: Path) -> None:
    assert foreign(tmp_path) == []
    for path in ("snap/bin/docker", "usr/local/bin/dockerd"):
        (tmp_path / path).parent.mkdir(parents=True)
        (tmp_path / path).touch()
    snap, local = foreign(tmp_path)
    assert snap.startswith("docker is installed by snap") and "snap remove docker" in snap
    assert local.startswith("/usr/local/bin/dockerd belongs to no package")


def test_a_source_that_cannot_work_is_refused(judge: Judge) -> None:
    assert judge({}, "distro", {}, refused="no such engine")["msg"] == "no such engine"


@pytest.mark.parametrize(
    ("installed", "source"),
    [({}, "docker_ce"), ({}, "distro"), (CE, "docker_ce"), (DEBIAN, "distro")],
)
def test_its_own_engine_may_stay(installed: dict[str, str], source: str, judge: Judge) -> None:
    answer = judge(installed, source, PINNED, containers=3)
    assert (answer["changed"], answer["engine_moves"], answer["conflicts"]) == (False, False, [])
    assert answer["installed"] == installed, "what was removed but for its configuration is gone"


INSTALL = [
    ({}, "apt", ["docker-ce=5:29.*", "containerd.io=2.*", "x"]),
    (CE, "apt", ["x"]),
    ({**CE, "docker-ce": "5:28.5.2-1", "x": "1"}, "apt", ["docker-ce=5:29.*"]),
    ({"docker-ce": "3:29.1.0-1.el9", "x": "1"}, "dnf", ["tool", "containerd.io-2.*"]),
]


@pytest.mark.parametrize(("installed", "manager", "specs"), INSTALL)
def test_only_what_is_not_as_wanted_is_asked_for(
    installed: dict[str, str], manager: str, specs: list[str]
) -> None:
    epoch = "5:" if manager == "apt" else "3:"
    wanted = {"docker-ce": f"{epoch}29.*", "containerd.io": "2.*", "x": ""}
    tools = ["tool"] if manager == "dnf" else []
    assert to_install(installed, wanted, manager, tools) == specs


def test_holds_are_checked(judge: Judge) -> None:
    assert judge(CE, "docker_ce", PINNED)["unheld"] is True
    assert judge(CE, "docker_ce", PINNED, held=True)["unheld"] is False
    assert judge(CE, "docker_ce", PINNED, hold=False)["unheld"] is False
    assert judge(CE, "docker_ce", PINNED, held=True, hold=False)["unheld"] is True
    assert judge({}, "docker_ce", PINNED)["unheld"] is False, "what is not there cannot be held"


def test_locks_are_checked(judge: Judge, tmp_path: Path) -> None:
    there = {"docker-ce": "3:29.1.0-1.el9", "containerd.io": "0:2.1.5-1.el9"}
    wanted = {"docker-ce": "3:29.*", "containerd.io": "2.*"}
    answer = judge(there, "docker_ce", wanted, manager="dnf")
    assert (answer["install"], answer["unheld"]) == ([], True)
    (tmp_path / "versionlock.list").write_text(
        "# tgi-ansible: docker\ncontainerd.io-2.1.5-1.el9.*\ndocker-ce-3:29.1.0-1.el9.*\n"
        "# end of tgi-ansible: docker\n"
    )
    assert judge(there, "docker_ce", wanted, manager="dnf")["unheld"] is False


@pytest.mark.parametrize(
    ("unit", "started"),
    [
        ("ActiveState=active\\nUnitFileState=enabled\\n", True),
        ("ActiveState=active\\nUnitFileState=disabled\\n", False),
        ("ActiveState=failed\\nUnitFileState=enabled\\n", False),
        ("ActiveState=inactive\\nUnitFileState=\\n", False),
    ],
)
def test_it_returns_whether_to_start_the_engine(unit: str, started: bool, judge: Judge) -> None:
    assert judge(CE, "docker_ce", PINNED, unit=unit)["started"] is started


def test_shims_of_any_client_are_counted(tmp_path: Path) -> None:
    names = ["containerd-shim", "containerd-shim-runc-v2", "dockerd", "containerd"]
    for number, name in enumerate(names):
        (tmp_path / str(number)).mkdir()
        (tmp_path / str(number) / "comm").write_text(f"{name}\n")
    (tmp_path / "9").mkdir()
    assert shims(tmp_path) == 2


def test_what_apt_would_take_along() -> None:
    text = "NOTE: simulation\nRemv runc [1.1]\nRemv podman [4.3] [kubelet:amd64 ]\n"
    assert dependents(lambda _: (0, text, ""), ["runc"]) == ["podman"]


LEAPS = [
    ("docker-ce", "5:28.5.2-1~debian.13~trixie"),
    ("docker-ce", "5:30.0.0-1~debian.13~trixie"),
    ("containerd.io", "1.7.28-1~debian.13~trixie"),
]


@pytest.mark.parametrize(("name", "version"), LEAPS)
def test_another_major_waits_for_containers(name: str, version: str, judge: Judge) -> None:
    answer = judge({**CE, name: version}, "docker_ce", PINNED, containers=2)
    assert f"{name} is {version} and {PINNED[name]} is wanted" in answer["msg"]
    assert "2 run" in answer["msg"]
    quiet = judge({**CE, name: version}, "docker_ce", PINNED)
    assert quiet["engine_moves"] is (name == "docker-ce")


def test_a_patch_release_may_move_under_containers(judge: Judge) -> None:
    answer = judge(CE, "docker_ce", {"docker-ce": "5:29.2.*"}, containers=2)
    assert answer["engine_moves"] is True


def test_without_a_version_nothing_moves(judge: Judge) -> None:
    assert judge(DEBIAN, "distro", {"docker.io": ""}, containers=2)["engine_moves"] is False


@pytest.mark.parametrize(
    ("version", "wanted"),
    [("5:29.1", "29"), ("5:29.*", "29"), ("26.1.5+dfsg1", "26"), ("2*", ""), ("5:*", ""), ("", "")],
)
def test_major(version: str, wanted: str) -> None:
    assert major(version) == wanted


@pytest.mark.parametrize(
    ("manager", "kernel", "inside", "found"),
    [
        ("apt", "Y\n", "", ["apparmor"]),
        ("apt", "Y\n", ".dockerenv", []),
        ("apt", "N\n", "", []),
        ("apt", "", "", []),
        ("dnf", "Y\n", "", []),
    ],
)
def test_apparmor_where_the_kernel_has_it(
    tmp_path: Path, manager: str, kernel: str, inside: str, found: list[str]
) -> None:
    (tmp_path / "sys/module/apparmor/parameters").mkdir(parents=True)
    (tmp_path / "sys/module/apparmor/parameters/enabled").write_text(kernel)
    if inside:
        (tmp_path / inside).touch()
    assert confining(manager, tmp_path) == found
