"""Test that the role refuses users in docker_users that the host does not have."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import yaml

from tests.support.roots import ROOT


def test_an_unknown_user_is_refused(tmp_path: Path) -> None:
    play = {
        "hosts": "localhost",
        "gather_facts": False,
        "vars": {
            "ansible_python_interpreter": sys.executable,
            "docker_users": ["root", "no-such-user"],
        },
        "tasks": [{"import_role": {"name": "docker", "tasks_from": "users"}}],
    }
    playbook = tmp_path / "play.yml"
    playbook.write_text(yaml.safe_dump([play]))
    command = [str(Path(sys.executable).with_name("ansible-playbook")), "-i", "localhost,"]
    done = subprocess.run(
        [*command, "-c", "local", str(playbook)],
        env={**os.environ, "ANSIBLE_CONFIG": str(ROOT / "ansible.cfg")},
        capture_output=True,
        text=True,
        check=False,
    )
    said = " ".join((done.stdout + done.stderr).split())
    assert done.returncode == 2
    assert "docker_users names no-such-user, unknown on this host; create the user first" in said
