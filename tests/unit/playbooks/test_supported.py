"""Test that an old Ansible, or a missing collection, ends each playbook in one sentence."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from tests.support.roots import ROOT

REMEDY = "run make setup, then . .venv/bin/activate"
NO_COLLECTIONS = {
    "ANSIBLE_COLLECTIONS_PATH": "/nonexistent",
    "ANSIBLE_COLLECTIONS_SCAN_SYS_PATH": "false",
}
OLD = "import ansible.release; ansible.release.__version__ = '2.18.9'"
INVENTORY = "all: {children: {gpu_hosts: {hosts: {gpu1: }}, gateways: {hosts: {gpu1: }}}}"


def play(playbook: str, folder: Path, **environment: str) -> str:
    """Return what ansible-playbook prints on one host that nothing may connect to."""
    inventory = folder / "hosts.yml"
    inventory.write_text(INVENTORY)
    done = subprocess.run(
        [Path(sys.executable).parent / "ansible-playbook", "-i", inventory, ROOT / playbook],
        cwd=ROOT,
        env={
            **os.environ,
            "ANSIBLE_CONFIG": str(ROOT / "ansible.cfg"),
            "ANSIBLE_NOCOLOR": "1",
            **environment,
        },
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 2, done.stdout + done.stderr
    return done.stdout + done.stderr


@pytest.mark.parametrize("playbook", ["site.yml", "playbooks/uninstall.yml"])
def test_missing_collections_are_named_with_the_remedy(playbook: str, tmp_path: Path) -> None:
    said = play(playbook, tmp_path, **NO_COLLECTIONS)
    names = "community.crypto, community.docker, community.general"
    assert f"Ansible does not find {names}: {REMEDY}" in said
    assert "Traceback" not in said


def test_an_old_ansible_core_is_named_with_the_remedy(tmp_path: Path) -> None:
    (tmp_path / "sitecustomize.py").write_text(OLD)
    said = play("site.yml", tmp_path, PYTHONPATH=str(tmp_path))
    assert f"This is ansible-core 2.18.9, and 2.19 or newer is needed: {REMEDY}" in said


def test_every_playbook_begins_with_it() -> None:
    for path in sorted((ROOT / "playbooks").glob("*.yml")):
        # The parts of other playbooks come after it
        if path.name not in ("supported.yml", "left_out.yml", "roll_out.yml", "bring_bundle.yml"):
            first = yaml.safe_load(path.read_text())[0]
            first = first["ansible.builtin.import_playbook"]
            assert first in ("supported.yml", "preflight.yml"), path.name
