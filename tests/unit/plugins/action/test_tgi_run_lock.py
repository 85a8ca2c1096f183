"""Run the lock's tasks with ansible-playbook: two runs at once, and one that was killed."""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import yaml

from tests.support.playbook import PROGRAM, ansible_playbook

HERE = f" ansible_connection=local ansible_python_interpreter={sys.executable}\n"


def playbook(folder: Path, *tasks: dict[str, Any]) -> list[str]:
    """Return the words of a command that runs these tasks on this machine."""
    play = {"hosts": "localhost", "gather_facts": False, "tasks": list(tasks)}
    (folder / "hosts.ini").write_text(f"localhost{HERE}edge1{HERE}")
    (folder / f"play{len(tasks)}.yml").write_text(yaml.safe_dump([play]))
    return ["-i", str(folder / "hosts.ini"), str(folder / f"play{len(tasks)}.yml")]


def test_a_run_that_lives_and_one_that_was_killed(tmp_path: Path) -> None:
    path = tmp_path / "lock"
    take = {"tgi_run_lock": {"path": str(path), "what": "site.yml"}}
    keep = {"ansible.builtin.pause": {"seconds": 120}}
    give = {"tgi_run_lock": {"path": str(path), "state": "free"}}
    first = subprocess.Popen(
        [PROGRAM, *playbook(tmp_path, take, take, keep, give)], stdout=subprocess.DEVNULL
    )
    until = time.monotonic() + 60
    while not path.exists() or not path.read_text():
        assert time.monotonic() < until
        time.sleep(0.1)
    try:
        second = ansible_playbook(*playbook(tmp_path, take))
        assert second.returncode == 2
        assert "has been changing this host since" in second.stdout
        assert f"pid {first.pid})" in " ".join(second.stdout.split())
        # Nor does a run without the lock remove it
        assert ansible_playbook(*playbook(tmp_path, give)).returncode == 0
        assert path.exists()
    finally:
        first.kill()
        first.wait()
    third = ansible_playbook(*playbook(tmp_path, {**take, "delegate_to": "edge1"}, give))
    assert third.returncode == 0, third.stdout
    said = " ".join((third.stdout + third.stderr).split())
    assert "[WARNING]: edge1: this run took the host's lock over from a run of" in said
    assert not path.exists()
