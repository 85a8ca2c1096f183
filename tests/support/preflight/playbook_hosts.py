"""Run a playbook of the preflight on this machine: its ansible.cfg, a secret, a free port."""

from __future__ import annotations

import os
import re
import socket
import subprocess
import sys
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import yaml

from tests.support.roots import ROOT

CONFIGURATION = """\
[defaults]
roles_path = {root}/roles
library = {root}/library
module_utils = {root}/module_utils
action_plugins = {root}/plugins/action
callback_plugins = {root}/plugins/callback
filter_plugins = {root}/plugins/filter
callback_result_format = yaml
vault_password_file = password
nocolor = true
"""
SECRET = "a-secret-never-to-be-shown"


def free_ports(count: int) -> list[int]:
    """Return ports that differ: one that is free again could be given twice."""
    with ExitStack() as held:
        servers = [held.enter_context(socket.create_server(("127.0.0.1", 0))) for _ in range(count)]
        return [server.getsockname()[1] for server in servers]


PLAYBOOK = [
    {
        "hosts": "gpu_hosts:gateways",
        "gather_facts": False,
        "roles": ["preflight"],
        "post_tasks": [
            {"ansible.builtin.debug": {"msg": "{{ ansible_facts.tgi_host | to_json }}"}}
        ],
    }
]
COMMIT = "0123456789abcdef0123456789abcdef01234567"


def variables(**more: Any) -> dict[str, Any]:
    engines, http, https, status = free_ports(4)
    return {
        "ansible_connection": "local",
        "ansible_python_interpreter": sys.executable,
        "preflight_min_memory_gib": 0,
        "preflight_min_free_disk_gib": 0,
        "preflight_min_free_image_gib": 0,
        "tgi_image": "x@sha256:" + "0" * 64,
        "nvidia_container_toolkit_enabled": False,
        "tgi_base_port": engines,
        "gateway_http_port": http,
        "gateway_https_port": https,
        "gateway_status_port": status,
        "tgi_models": [
            {"name": "a", "model_id": "acme/a", "revision": COMMIT, "gpus": []},
        ],
        "gateway_server_name": "localhost",
        "gateway_tls": {"source": "private_ca", "ca_dir": "{{ inventory_dir }}/pki"},
        "gateway_tiers": {"team": {"requests_per_second": 1, "burst": 1, "concurrent": 1}},
        "gateway_consumers": [{"name": "checks", "tier": "team", "keys": ["{{ a_key }}"]}],
        "a_key": SECRET,
        **more,
    }


def check_mode(folder: Path) -> str:
    """Run play.yml of a folder in check mode with -vvvv, and return its output."""
    command = [str(Path(sys.executable).with_name("ansible-playbook")), "--check", "-vvvv"]
    done = subprocess.run(
        [*command, "-i", "hosts.yml", "play.yml"],
        cwd=folder,
        env={**os.environ, "ANSIBLE_CONFIG": "ansible.cfg"},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    return str(done.stderr + done.stdout)


ALONE: dict[str, Any] = {"gpu_hosts": {"here": {}}, "gateways": {"here": {}}}


def run(
    tmp_path: Path, text: str, groups: dict[str, Any] = ALONE, play: list[dict[str, Any]] = PLAYBOOK
) -> str:
    """Run the play in check mode with -vvvv and return the output."""
    (tmp_path / "group_vars").mkdir()
    (tmp_path / "group_vars" / "all.yml").write_text(text)
    children = {group: {"hosts": hosts} for group, hosts in groups.items()}
    (tmp_path / "hosts.yml").write_text(yaml.safe_dump({"all": {"children": children}}))
    (tmp_path / "play.yml").write_text(yaml.safe_dump(play))
    (tmp_path / "password").write_text("open sesame")
    # The project's own ansible.cfg names the sandbox's inventory too
    (tmp_path / "ansible.cfg").write_text(CONFIGURATION.format(root=ROOT))
    output = check_mode(tmp_path)
    assert SECRET not in output
    assert re.search(r"(here|edge) +: ok=\d+ +changed=0 +unreachable=0", output), output
    return output


def problems(output: str) -> list[str]:
    """Return the refusal's lines, without those that depend on this machine."""
    theirs = ("user has", "operating system is", "processor ")
    refusal = output.partition("msg: |-")[2]
    lines = re.findall(r"(?m)^ +- (.*)$", refusal.partition("PLAY RECAP")[0])
    return [line for line in lines if not line.startswith(theirs)]
