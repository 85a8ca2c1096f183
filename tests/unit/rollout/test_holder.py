"""Test which run a process is, and whether a run has ended."""

from __future__ import annotations

import os
import subprocess
from dataclasses import replace
from pathlib import Path

import pytest
from ansible.module_utils.tgi.rollout.holder import began, has_ended, this_run


def process(proc: Path, pid: int, ticks: int, state: str = "S") -> None:
    (proc / str(pid)).mkdir(parents=True, exist_ok=True)
    line = f"{pid} (an (odd) name) {state} 1 " + "0 " * 17 + f"{ticks} 99 98\n"
    (proc / str(pid) / "stat").write_text(line)


@pytest.fixture
def proc(tmp_path: Path) -> Path:
    (tmp_path / "sys/kernel/random").mkdir(parents=True)
    (tmp_path / "sys/kernel/random/boot_id").write_text("b00t\n")
    (tmp_path / "self/ns").mkdir(parents=True)
    (tmp_path / "self/ns/pid").symlink_to("pid:[1]")
    process(tmp_path, 7, 1000)
    return tmp_path


def test_this_process_as_linux_shows_it() -> None:
    run = this_run(os.getpid())
    assert run.began > 0 and run.boot and "pid:[" in run.boot
    assert run.by == f"{run.user}@{run.controller}"
    assert not has_ended(run, run)
    child = subprocess.Popen(["sleep", "60"])
    other = this_run(child.pid)
    assert not has_ended(other, run)
    child.kill()
    # A zombie has ended, though its entry is still there
    child.poll()
    child.wait()
    assert has_ended(other, run)


def test_the_user_before_sudo(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SUDO_USER", "anna")
    assert this_run(1).by.startswith("anna@")


def test_a_user_without_a_name(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("SUDO_USER", "LOGNAME", "USER", "LNAME", "USERNAME"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(os, "getuid", lambda: 54321)
    assert this_run(1).user == "uid 54321"


def test_a_process_that_runs_has_ended_or_has_another_ones_number(proc: Path) -> None:
    own = this_run(7, proc)
    other = replace(own, pid=8, began=500)
    assert began(8, proc) == 0 and has_ended(other, own, proc)
    process(proc, 8, 500)
    assert not has_ended(other, own, proc)
    process(proc, 8, 500, "Z")
    assert has_ended(other, own, proc)
    process(proc, 8, 700)
    assert has_ended(other, own, proc)


def test_nothing_is_known_of_another_controller_boot_or_container(proc: Path) -> None:
    own = this_run(7, proc)
    for other in (
        replace(own, pid=8, controller="ctl9"),
        replace(own, pid=8, boot="another pid:[1]"),
        replace(own, pid=8, boot="b00t pid:[2]"),
    ):
        assert not has_ended(other, own, proc)
    (proc / "sys/kernel/random/boot_id").unlink()
    own = this_run(7, proc)
    assert own.boot == ""
    assert not has_ended(replace(own, pid=8), own, proc)
