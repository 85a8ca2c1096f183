#!/usr/bin/python
"""Inspect the endpoint as a client sees it, and return the observation as plain data."""

from __future__ import annotations

DOCUMENTATION = r"""
module: tgi_diagnose_client
short_description: Inspect an endpoint as a client sees it
description:
  - Runs on the controller. It resolves the name, connects, makes a TLS handshake, asks for the list
    of models with a key, and asks each model for a short chat, a stream and a tool call. It does
    not try what comes after a broken link.
  - Judges nothing, and never fails over what it sees. M(tgi_diagnose_verdict) takes the
    observations of all sides and names the innermost broken link. C(playbooks/diagnose.yml) runs
    these modules in the right order.
version_added: "0.1.0"
author: tgi-ansible (@tgi-ansible)
requirements:
  - "httpx >= 0.22 (Debian: python3-httpx)"
attributes:
  check_mode:
    description: Full support; it only reads.
    support: full
  diff_mode:
    description: Nothing to show.
    support: none
options:
  host:
    description: Name of the host in the verdict; the action plugin sets the inventory name.
    type: str
  url:
    description: The endpoint, V(https://name), with a port if it is not 443.
    type: str
    required: true
  connect_to:
    description: Address to connect to instead of resolving the name in O(url).
    type: str
    default: ""
  ca_file: {type: path, description: PEM file with the only CA to accept instead of the system's.}
  client_certificate: {type: path, description: PEM file with a client's certificate and its key.}
  api_key:
    description: Key of the checks' consumer. Never shown. Without one, only TLS is inspected.
    type: str
    default: ""
  tier:
    description: Limits of that consumer; the module keeps to them.
    type: dict
    default: {}
    suboptions:
      requests_per_second: {type: float, description: Rate., default: 0.0}
      burst: {type: int, description: Requests that may come at once., default: 0}
      concurrent: {type: int, description: Generations at a time; 0 is no limit., default: 0}
  models:
    description: Names of the models to ask.
    type: list
    elements: str
    default: []
  without_chat:
    description: Names of models without a chat template.
    type: list
    elements: str
    default: []
  without_tools:
    description: Names of models whose chat template has no tools.
    type: list
    elements: str
    default: []
  model_ids:
    description: What C(/info) must name behind each model, by name.
    type: dict
    default: {}
  tools:
    description: Whether to ask for a forced tool call too.
    type: bool
    default: true
  timeout:
    description: Seconds for one request.
    type: float
    default: 30.0
"""

EXAMPLES = r"""
- name: Inspect the endpoint as a client
  tgi_diagnose_client:
    url: https://llm.example.org
    api_key: "{{ vault_checks_key }}"
    models: [llama-3.1-8b]
  delegate_to: localhost
  vars:
    ansible_python_interpreter: "{{ ansible_playbook_python }}"
  register: client
"""

RETURN = r"""
seen:
  description:
    - The observation. What the module could not see is missing, and is judged as not reached.
    - If the module could not run, C(blind) says why, instead of all else.
  returned: always
  type: dict
  sample:
    host: gw1
    server: llm.example.org
    port: 443
    name: {addresses: [192.0.2.10], problem: ""}
    connect: {state: refused, address: 192.0.2.10, detail: Connection refused, ms: 1}
    models: [{name: llama-3.1-8b}]
"""

from typing import Any

from ansible.module_utils.basic import AnsibleModule, missing_required_lib
from ansible.module_utils.tgi.checks.endpoint.endpoint_session import Tier
from ansible.module_utils.tgi.client import http_client
from ansible.module_utils.tgi.diagnose.look.from_client import Outside, look_from_outside

ARGUMENTS: dict[str, Any] = {
    "host": {"type": "str"},
    "url": {"type": "str", "required": True},
    "connect_to": {"type": "str", "default": ""},
    "ca_file": {"type": "path"},
    "client_certificate": {"type": "path"},
    "api_key": {"type": "str", "no_log": True, "default": ""},
    "tier": {
        "type": "dict",
        "default": {},
        "options": {
            "requests_per_second": {"type": "float", "default": 0.0},
            "burst": {"type": "int", "default": 0},
            "concurrent": {"type": "int", "default": 0},
        },
    },
    "models": {"type": "list", "elements": "str", "default": []},
    "without_chat": {"type": "list", "elements": "str", "default": []},
    "without_tools": {"type": "list", "elements": "str", "default": []},
    "model_ids": {"type": "dict", "default": {}},
    "tools": {"type": "bool", "default": True},
    "timeout": {"type": "float", "default": 30.0},
}


def wish_of(params: dict[str, Any]) -> Outside:
    """Return the module's parameters as what to ask for."""
    tier = params["tier"]
    target = http_client.Target(
        params["url"],
        params["ca_file"] or "",
        params["api_key"],
        params["timeout"],
        params["client_certificate"] or "",
    )
    return Outside(
        params["host"] or "localhost",
        target,
        params["connect_to"],
        [
            {
                "name": name,
                "model_id": params["model_ids"].get(name),
                "chat": name not in params["without_chat"],
                "tools": name not in params["without_tools"],
            }
            for name in params["models"]
        ],
        Tier(
            tier.get("requests_per_second") or 0.0,
            tier.get("burst") or 0,
            tier.get("concurrent") or 0,
        ),
        params["tools"],
    )


def main() -> None:
    """Inspect, and return the observation."""
    module = AnsibleModule(argument_spec=ARGUMENTS, supports_check_mode=True)
    if http_client.HTTPX_ERROR:
        module.fail_json(msg=missing_required_lib("httpx", "here (Debian: python3-httpx)"))
    module.exit_json(changed=False, seen=look_from_outside(wish_of(module.params)))


if __name__ == "__main__":
    main()
