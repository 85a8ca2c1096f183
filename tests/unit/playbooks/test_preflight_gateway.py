"""Test the role gateway alone in a play: it runs the preflight before any change."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import yaml

from tests.support.preflight.playbook_hosts import CONFIGURATION, check_mode
from tests.support.roots import ROOT

SECRET = "a-secret-that-no-output-shows"
MODEL = {"name": "a", "model_id": "x/a", "revision": "0" * 40}
PLAY = """\
- hosts: gateways
  gather_facts: false
  roles: [gateway]
"""
# The facts of hosts whose preflight ran before
KNOWN = """\
  pre_tasks:
    - ansible.builtin.set_fact:
        tgi_host:
          addresses: [10.0.0.6]
          models: [{name: a, model_id: x/a, revision: "%s", aliases: [], port: 8081}]
        cacheable: true
      delegate_to: "{{ item }}"
      delegate_facts: true
      loop: [edge, gpu2]
""" % ("0" * 40)
EDGE = f"""\
gateway_server_name: llm.example.org
gateway_tls: {{source: private_ca, ca_dir: /nowhere/pki}}
gateway_consumers:
  - {{name: a, tier: standard, keys: [{{key: {SECRET}, expires: "2027-01-31"}}]}}
"""


def refused(tmp_path: Path, play: str, keys: str) -> list[str]:
    """Run the play in check mode; return the lines of the message with which it fails."""
    hosts: dict[str, Any] = {
        "gpu1": {"tgi_models": [MODEL], "tgi_bind_address": "10.0.0.5"},
        "gpu2": {"tgi_models": [MODEL]},
    }
    children = {"gpu_hosts": {"hosts": hosts}, "gateways": {"hosts": {"edge": {}}}}
    here = {"ansible_connection": "local", "ansible_python_interpreter": sys.executable}
    (tmp_path / "hosts.yml").write_text(
        yaml.safe_dump({"all": {"vars": here, "children": children}})
    )
    (tmp_path / "group_vars").mkdir()
    (tmp_path / "group_vars" / "gateways.yml").write_text(EDGE + keys)
    (tmp_path / "play.yml").write_text(play)
    (tmp_path / "password").write_text("none")
    (tmp_path / "ansible.cfg").write_text(CONFIGURATION.format(root=ROOT))
    output = check_mode(tmp_path)
    assert SECRET not in output
    message = output.partition("msg: |-")[2].partition("PLAY RECAP")[0]
    if not message:
        message = output.partition("msg: >-")[2].partition("PLAY RECAP")[0]
    assert message, output[-3000:]
    return [line.strip() for line in message.splitlines() if line.strip()]


def test_bad_variables_are_refused_without_a_preflight_before_the_role(tmp_path: Path) -> None:
    same = f"  - {{name: b, tier: standard, keys: [{SECRET}]}}\n"
    first, *problems = refused(tmp_path, PLAY, same)
    assert first.startswith("Preflight refuses this host: ")
    assert (
        "- gateway_consumers[1].keys[0] is the same key as gateway_consumers[0].keys[0].key; "
        "write the output of openssl rand -hex 32, in a vault file"
    ) in problems
    # A gateway alone needs no consumer for the checks
    assert not [line for line in problems if "checks_consumer" in line]


def test_a_gateway_of_hosts_that_cannot_be_reached(tmp_path: Path) -> None:
    assert refused(tmp_path, PLAY.replace("  roles", KNOWN + "  roles"), "") == [
        "gpu1 is not in this run, so the port is unknown for a; "
        "run without --limit, or write a port for each of them in tgi_models",
        "tgi_bind_address of gpu2 is not set, so its models listen on loopback only; "
        "write its private address there (it has 10.0.0.6)",
    ]
