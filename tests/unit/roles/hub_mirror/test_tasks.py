"""Run the tasks that start the mirror, with programs that do what systemd says when nginx fails."""

from __future__ import annotations

import json
import os
import re
import socket
import sys
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


def run(
    folder: Path, tasks: str, given: dict[str, Any], *words: str, hosts: str = "localhost"
) -> Any:
    """Run tasks of the role on this machine; return what Ansible printed, and its exit code."""
    play = {
        "hosts": hosts,
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


def test_an_uninstall_leaves_weights_and_no_empty_directory(programs: Path) -> None:
    """Two hosts have the directories, one of them weights too."""
    for host, kept in (("bare", ["replies"]), ("full", ["replies", "hub"])):
        for name in kept:
            (programs / host / "state" / name).mkdir(parents=True)
        (programs / host / "state/replies/main.map").touch()
    given = {
        f"__hub_mirror_{name}": f"{programs}/{{{{ inventory_hostname }}}}/{place}"
        for name, place in (("unit", "unit"), ("directory", "etc"), ("state", "state"))
    }
    both = ["-i", "bare,full", "-c", "local", "-e", f"ansible_python_interpreter={sys.executable}"]
    for hosts, words, changed in (("full", ["--check"], 1), ("all", [], 1), ("all", [], 0)):
        done = run(programs, "uninstall.yml", given, *both, *words, hosts=hosts)
        assert done.returncode == 0, done.stdout
        found = re.findall(r"(?m)^(?:bare|full) .*changed=(\d+) ", done.stdout)
        assert found == [str(changed)] * (1 if hosts == "full" else 2)
        assert "WARNING" not in done.stdout + done.stderr
    assert [path.name for path in (programs / "full/state").glob("*")] == ["hub"]
    assert not (programs / "bare/state").exists()
