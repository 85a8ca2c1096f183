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


def test_the_words_of_nginx_are_the_message(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, text in (("systemctl", SYSTEMCTL), ("journalctl", JOURNALCTL)):
        (tmp_path / name).write_text(text)
        (tmp_path / name).chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
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
    tasks = {"ansible.builtin.include_tasks": str(ROLE / "tasks/in_force.yml")}
    play = {
        "hosts": "localhost",
        "gather_facts": False,
        "vars_files": [str(ROLE / "defaults/main.yml"), str(ROLE / "vars/main.yml")],
        "tasks": [{**tasks, "vars": given}],
    }
    book = tmp_path / "play.yml"
    book.write_text(json.dumps([play]))
    done = ansible_playbook(str(book))
    assert done.returncode == 2
    said = " ".join(done.stdout.split())
    assert (
        "nginx does not serve the mirror: nginx: [emerg] bind() to 0.0.0.0:80 failed (98: Address "
        "already in use); correct that, then run this again" in said
    )
    # Nothing is new, but nothing answers
    assert "restart tgi-hub-mirror" in (tmp_path / "systemctl.log").read_text()
