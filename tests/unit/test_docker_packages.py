"""What installing an engine would do to the one that is there, with programs of the test's own."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from ansible.module_utils.tgi.docker_packages import major, matches, parse_installed
from run_module import load, run

Judge = Callable[..., dict[str, Any]]
CE = {"docker-ce": "5:29.1.0-1~debian.13~trixie", "containerd.io": "2.2.0-1~debian.13~trixie"}
DEBIAN = {"docker.io": "26.1.5+dfsg1-9+b9", "containerd": "1.7.24~ds1-6", "runc": "1.1.15+ds1-2"}
PINNED = {"docker-ce": "5:29.*", "containerd.io": "2.*"}


@pytest.fixture
def judge(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> Judge:
    module = load("docker_packages")
    monkeypatch.setattr(
        module.AnsibleModule, "get_bin_path", lambda _self, name, **_: str(tmp_path / name)
    )

    def call(
        installed: dict[str, str], source: str, wanted: dict[str, str], containers: int = 0
    ) -> dict[str, Any]:
        lines = "".join(f"ii |{name}|{version}\\n" for name, version in installed.items())
        scripts = {
            "dpkg-query": f"printf '{lines}rc |docker-doc|1\\n'; exit 1",
            "docker": f"for i in $(seq {containers}); do echo c$i; done",
        }
        for name, script in scripts.items():
            (tmp_path / name).write_text(f"#!/bin/sh\n{script}\n")
            (tmp_path / name).chmod(0o755)
        return run(module, capsys, source=source, wanted=wanted)

    return call


@pytest.mark.parametrize(
    ("installed", "source", "words"),
    [
        (DEBIAN, "docker_ce", "docker.io, containerd, runc is installed, and installing docker-ce"),
        (CE, "distro", "docker-ce, containerd.io is installed, and installing docker.io would"),
    ],
)
def test_one_engine_does_not_replace_the_other(
    installed: dict[str, str], source: str, words: str, judge: Judge
) -> None:
    answer = judge(installed, source, {})
    assert answer["failed"] is True
    assert words in answer["msg"]
    assert "apt-get remove" in answer["msg"]


@pytest.mark.parametrize(
    ("installed", "source"),
    [({}, "docker_ce"), ({}, "distro"), (CE, "docker_ce"), (DEBIAN, "distro")],
)
def test_its_own_engine_may_stay(installed: dict[str, str], source: str, judge: Judge) -> None:
    answer = judge(installed, source, PINNED, containers=3)
    assert (answer["changed"], answer["engine_moves"]) == (False, False)
    assert answer["installed"] == installed, "what was removed but for its configuration is gone"


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


def test_wildcards_are_the_only_pattern() -> None:
    assert matches("5:29.1.0-1", "5:29.*") and matches("1", "") and matches("1.0+b", "1.0+b")
    assert not matches("5:29.1.0-1", "5:29.1") and not matches("5:2901", "5:29.*")


def test_half_installed_lines_are_read_as_dpkg_writes_them() -> None:
    assert parse_installed("iHR|a|1\nhi |b|2\nun |c|\n\n") == {"b": "2"}
