"""Run the tasks that start the mirror, with programs that do what systemd says when nginx fails."""

from __future__ import annotations

import json
import os
import socket
from pathlib import Path
from typing import Any

import pytest

from tests.support.playbook import ansible_playbook
from tests.support.roots import ROOT

ROLE = ROOT / "roles" / "hub_mirror"
SYSTEMCTL = """#!/bin/sh
echo "$*" >> "$0.log"
case "$*" in
*show*) echo LoadState=loaded; echo ActiveState=active ;;
*is-enabled*) echo enabled ;;
start*|restart*) echo 'Job for tgi-hub-mirror.service failed' >&2; exit 1 ;;
esac
"""
JOURNALCTL = """#!/bin/sh
echo 'Starting tgi-hub-mirror.service'
echo 'nginx: [emerg] bind() to 0.0.0.0:80 failed (98: Address already in use)'
echo 'nginx: [emerg] still could not bind()'
"""


@pytest.fixture
def programs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return a directory with programs that go before the system's."""
    for name, text in (("systemctl", SYSTEMCTL), ("journalctl", JOURNALCTL)):
        (tmp_path / name).write_text(text)
        (tmp_path / name).chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    return tmp_path


def run(folder: Path, tasks: str, given: dict[str, Any], *words: str) -> Any:
    """Run tasks of the role on this machine; return what Ansible printed, and its exit code."""
    play = {
        "hosts": "localhost",
        "gather_facts": False,
        "vars_files": [str(ROLE / "defaults/main.yml"), str(ROLE / "vars/main.yml")],
        "tasks": [{"ansible.builtin.include_tasks": str(ROLE / "tasks" / tasks), "vars": given}],
    }
    book = folder / "play.yml"
    book.write_text(json.dumps([play]))
    return ansible_playbook(str(book), *words)


def test_the_words_of_nginx_are_the_message(programs: Path) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    unchanged = {"changed": False}
    given: dict[str, Any] = {
        "hub_mirror_port": port,
        "hub_mirror_snapshots": [],
        "__hub_mirror_defined": unchanged,
        "__hub_mirror_configured": unchanged,
        "__hub_mirror_certified": unchanged,
        "__hub_mirror_offered": unchanged,
    }
    done = run(programs, "in_force.yml", given)
    assert done.returncode == 2
    said = " ".join(done.stdout.split())
    assert (
        "nginx does not serve the mirror: nginx: [emerg] bind() to 0.0.0.0:80 failed (98: Address "
        "already in use); correct that, then run this again" in said
    )
    # Nothing is new, but nothing answers
    assert "restart tgi-hub-mirror" in (programs / "systemctl.log").read_text()


@pytest.mark.parametrize("weights", [False, True])
def test_an_uninstall_leaves_weights_and_no_empty_directory(programs: Path, weights: bool) -> None:
    state = programs / "state"
    (state / "replies").mkdir(parents=True)
    (state / "replies" / "main.map").touch()
    if weights:
        (state / "hub").mkdir()
    given = {
        "__hub_mirror_unit": str(programs / "unit"),
        "__hub_mirror_directory": str(programs / "etc"),
        "__hub_mirror_state": str(state),
    }
    for words, changes in ((["--check"], 1), ([], 1), ([], 0)):
        done = run(programs, "uninstall.yml", given, *words)
        assert done.returncode == 0, done.stdout
        assert bool("changed=0 " in done.stdout) is not bool(changes)
        assert "WARNING" not in done.stdout + done.stderr
    assert [path.name for path in state.glob("*")] == (["hub"] if weights else [])
    assert state.exists() is weights
