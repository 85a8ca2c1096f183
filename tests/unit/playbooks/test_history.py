"""Run the playbook on this machine: it shows what ran, and which sets could be put back."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import yaml
from ansible.module_utils.tgi.models.project_files import write_project
from ansible.module_utils.tgi.models.record import Record
from ansible.module_utils.tgi.rollout.history import HistoryEntry, append
from ansible.module_utils.tgi.rollout.sets import active_id, keep

from tests.support.playbook import ansible_playbook
from tests.support.roots import ROOT


def play(tmp_path: Path, *options: str) -> str:
    """Run the playbook for one host whose projects are below ``tmp_path``; return its output."""
    variables: dict[str, Any] = {
        "ansible_connection": "local",
        "ansible_become": False,
        "ansible_python_interpreter": sys.executable,
        "tgi_base_dir": str(tmp_path / "opt"),
    }
    hosts = {"all": {"children": {"gpu_hosts": {"hosts": {"gpu1": variables}}}}}
    (tmp_path / "hosts.yml").write_text(yaml.safe_dump(hosts))
    words = ["-i", str(tmp_path / "hosts.yml"), str(ROOT / "playbooks/history.yml"), *options]
    done = ansible_playbook(*words)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "changed=0" in done.stdout
    return done.stdout


def test_a_host_with_a_history(tmp_path: Path) -> None:
    assert "No event is written yet." in play(tmp_path)
    for name in ("llama", "clerk"):
        place = tmp_path / "opt" / name
        place.mkdir(parents=True)
        record = Record(name, f"tgi-{name}", 8081, [], image=f"x@sha256:{'1a2b' * 16}")
        write_project(place, "# Written by tgi-ansible\na: 1\n", "", record, dry=False)
        keep(place, 3)
        entry = HistoryEntry("2026-11-29T10:00:00Z", name, "replaced", active_id(place))
        append(tmp_path / "opt", [entry])
    both = play(tmp_path, "--check")
    assert "llama" in both and "clerk" in both and "sha256:1a2b1a2b1a2b" in both
    one = play(tmp_path, "-e", "history_model=llama")
    assert "llama" in one and "clerk" not in one
