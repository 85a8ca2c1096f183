"""Test runs without some hosts: one that is off, and gateways that --limit leaves out."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import yaml

from tests.support.roots import ROOT

HERE = {"ansible_connection": "local", "ansible_python_interpreter": sys.executable}
GPU = {"tgi_bind_address": "10.0.0.5", "tgi_models": []}


def preflight(tmp_path: Path, *more: str, **gpu2: Any) -> subprocess.CompletedProcess[str]:
    """Run playbooks/preflight.yml on two GPU hosts and a gateway, all of them this machine."""
    hosts = {"gpu1": {**HERE, **GPU}, "gpu2": {**HERE, **GPU, **gpu2}}
    groups = {"gpu_hosts": {"hosts": hosts}, "gateways": {"hosts": {"edge": HERE}}}
    (tmp_path / "hosts.yml").write_text(yaml.safe_dump({"all": {"children": groups}}))
    command = str(Path(sys.executable).with_name("ansible-playbook"))
    return subprocess.run(
        [command, "-i", str(tmp_path / "hosts.yml"), "playbooks/preflight.yml", *more],
        cwd=ROOT,
        env={**os.environ, "ANSIBLE_CONFIG": str(ROOT / "ansible.cfg")},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


OFF = {"ansible_connection": "ssh", "ansible_host": "127.0.0.1", "ansible_port": 9}


def test_a_host_that_is_off_can_be_refused(tmp_path: Path) -> None:
    done = preflight(tmp_path, "-e", "preflight_unreachable=refuse", **OFF)
    assert done.returncode == 2
    assert "Preflight refuses this host: " in done.stdout
    assert "the host cannot be reached (" in done.stdout
    assert "to go on without it, add --limit '!gpu2'" in done.stdout


def test_a_firewall_that_would_block_a_gateway_is_refused_at_once(tmp_path: Path) -> None:
    done = preflight(tmp_path, "--limit", "gpu1")
    line = "tgi_allowed_sources: the address of edge is unknown, because it is not in this run; "
    assert line + "run without --limit, or write gateway_address for it" in done.stdout
    assert "tgi_allowed_sources" not in preflight(tmp_path, "--limit", "gpu1,edge").stdout
    known = preflight(tmp_path, "--limit", "gpu1", "-e", "tgi_allowed_sources=['10.0.0.9']")
    assert "address of edge is unknown" not in known.stdout
