"""Test installed versions, apt's holds and dnf's versionlock."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from ansible.module_utils.tgi.packages.holds import (
    Installed,
    ask,
    locks,
    locks_text,
    matches,
    parse_dpkg,
    parse_rpm,
    to_mark,
)

from tests.support.run_module import load, run

Hold = Callable[..., dict[str, Any]]


def test_wildcards_are_the_only_pattern() -> None:
    assert matches("5:29.1.0-1", "5:29.*") and matches("1", "") and matches("1.0+b", "1.0+b")
    assert not matches("5:29.1.0-1", "5:29.1") and not matches("5:2901", "5:29.*")
    assert matches("3:29.1.0-1.el9", "3:29.1.0") and not matches("1.20.0-1-x", "1.20.0")


def test_lines_are_read_as_dpkg_writes_them() -> None:
    found = parse_dpkg("iHR|a|1\nhi |b|2\nii |c|3\nrc |d|4\nun |e|\n\n")
    assert found == Installed({"b": "2", "c": "3"}, frozenset({"b"}))


def test_lines_are_read_as_rpm_writes_them() -> None:
    found = parse_rpm("docker-ce|3:29.1.0-1.el9\ncontainerd.io|0:2.1.5-1.el9\nnothing\n")
    assert found.versions == {"docker-ce": "3:29.1.0-1.el9", "containerd.io": "2.1.5-1.el9"}


def test_a_failed_query_is_reported() -> None:
    with pytest.raises(ValueError, match="dpkg-query failed: no database"):
        ask(lambda _argv: (2, "", "no database\n"), "apt", ["x"])


def test_only_what_is_installed_is_marked() -> None:
    there = Installed({"a": "1", "b": "1"}, frozenset({"b"}))
    assert to_mark(there, ["a", "b", "c"], True) == ["a"]
    assert to_mark(there, ["a", "b", "c"], False) == ["b"]


ASKED = {"docker-ce": "3:29.*", "containerd.io": "2.*", "docker-ce-cli": ""}
THERE = {"docker-ce": "3:29.1.0-1.el9", "docker-ce-cli": "3:29.1.0-1.el9"}


def test_held_is_the_version_that_is_there_pinned_the_one_asked_for() -> None:
    assert locks(THERE, ASKED, True) == [
        "containerd.io-2.*-*.*",
        "docker-ce-3:29.1.0-1.el9.*",
        "docker-ce-cli-3:29.1.0-1.el9.*",
    ]
    assert locks(THERE, ASKED, False) == ["containerd.io-2.*-*.*", "docker-ce-3:29.*-*.*"]
    assert locks({}, {"x": "1.20.0-1"}, True) == ["x-1.20.0-1.*"]


FOREIGN = "# of the site\nkernel-0:5.14.0-1.el9.*\n!docker-ce-3:29.3.0-1.el9.*\n"


def test_the_block_is_replaced_and_the_rest_stays() -> None:
    lines = locks(THERE, ASKED, True)
    other = "docker-ce-3:28.0.0-1.el9.*\ncontainerd.io\n"
    text = locks_text(FOREIGN + other, "docker", ASKED, lines)
    assert text == (
        f"{FOREIGN}# tgi-ansible: docker\n" + "\n".join(lines) + "\n# end of tgi-ansible: docker\n"
    )
    assert locks_text(text, "docker", ASKED, lines) == text
    assert locks_text(text, "docker", ASKED, []) == FOREIGN
    both = locks_text(
        text, "nvidia", ["nvidia-container-toolkit"], ["nvidia-container-toolkit-1.*"]
    )
    assert both.startswith(text), "another's block stays"


def test_a_name_that_begins_another_is_another() -> None:
    text = "docker-ce-cli-3:29.1.0-1.el9.*\n"
    assert locks_text(text, "docker", ["docker-ce"], []) == text


@pytest.fixture
def hold(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> Hold:
    module: Any = load("held_packages")
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    monkeypatch.setattr(
        module.AnsibleModule, "get_bin_path", lambda _self, name, **_: str(tmp_path / name)
    )
    monkeypatch.setattr(module, "LOCKS", str(tmp_path / "plugins/versionlock.list"))

    def call(check: bool = False, **args: Any) -> dict[str, Any]:
        scripts = {
            "dpkg-query": "printf 'hi |a|1\\nii |b|1\\n'",
            "rpm": "printf 'a|0:1-1\\n'",
            "apt-mark": f"echo $* >> {tmp_path}/marks",
        }
        for name, script in scripts.items():
            (tmp_path / name).write_text(f"#!/bin/sh\n{script}\n")
            (tmp_path / name).chmod(0o755)
        return run(module, capsys, check, **{"name": "docker", **args})

    return call


def test_apt_gets_only_missing_holds(hold: Hold, tmp_path: Path) -> None:
    packages = {"a": "", "b": "", "c": ""}
    assert hold(True, manager="apt", packages=packages)["changed"] is True
    assert not (tmp_path / "marks").exists()
    assert hold(manager="apt", packages=packages)["marked"] == ["b"]
    assert hold(manager="apt", packages=packages, hold=False)["marked"] == ["a"]
    assert (tmp_path / "marks").read_text() == "hold b\nunhold a\n"
    assert hold(manager="apt", packages={"a": ""})["changed"] is False


def test_dnf_reads_a_file(hold: Hold, tmp_path: Path) -> None:
    refused = hold(manager="dnf", packages={"a": "1.*"})
    assert "install python3-dnf-plugin-versionlock first" in refused["msg"]
    (tmp_path / "plugins").mkdir()
    assert hold(True, manager="dnf", packages={"a": "1.*"})["changed"] is True
    assert hold(manager="dnf", packages={"a": "1.*"})["marked"] == ["a-1-1.*"]
    assert hold(manager="dnf", packages={"a": "1.*"})["changed"] is False
    file = tmp_path / "plugins/versionlock.list"
    assert file.read_text() == "# tgi-ansible: docker\na-1-1.*\n# end of tgi-ansible: docker\n"
    assert hold(manager="dnf", packages={"a": ""}, hold=False)["changed"] is True
    assert file.read_text() == ""
