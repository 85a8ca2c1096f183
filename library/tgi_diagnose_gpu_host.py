#!/usr/bin/python
"""Inspect a GPU host, and return the observation as plain data."""

from __future__ import annotations

DOCUMENTATION = r"""
module: tgi_diagnose_gpu_host
short_description: Inspect Docker, the models and the GPUs of a host
description:
  - Inspects Docker, each model's container, log and port, the firewall, the GPU driver, the GPUs,
    disks, memory, the kernel's log and the clock. Asks each running model on its own port what the
    checks ask (identity, canary, text, template, tools, JSON), in about 20 requests.
  - Judges nothing, and never fails over what it sees. M(tgi_diagnose_verdict) takes the
    observations of all sides and names the innermost broken link.
  - The action plugin of the same name adds how far the clocks differ. A host that cannot be
    reached, or where become fails, is an observation too.
version_added: "0.1.0"
author: tgi-ansible (@tgi-ansible)
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
  models:
    description: Entries of C(tgi_models); the module ignores entries that are no mappings.
    type: list
    elements: raw
    default: []
  base_port:
    description: Port of the first model that names none.
    type: int
    default: 8081
  bind_address:
    description: Address that the models listen on besides loopback.
    type: str
    default: ""
  base_dir:
    description: Directory of the models' Compose projects.
    type: str
    default: /opt/tgi
  data_dir:
    description: Directory of the weights.
    type: str
    default: /var/lib/tgi
  min_driver:
    description: Oldest NVIDIA driver that is accepted.
    type: str
    default: "0"
  timeouts:
    description: Seconds that each phase of a start may take.
    type: dict
    default: {}
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
  tools:
    description: Whether to ask for a forced tool call too.
    type: bool
    default: true
  canary_passes:
    description: How many of 4 questions with known answers each model must answer right.
    type: int
    default: 2
  timeout:
    description: Seconds for one request.
    type: float
    default: 30.0
  egress:
    description: What models may connect to, V(tgi_egress).
    type: str
    default: open
"""

EXAMPLES = r"""
- name: Inspect the GPU host
  tgi_diagnose_gpu_host:
    models: "{{ tgi_models }}"
  become: true
  register: gpu_host
"""

RETURN = r"""
seen:
  description:
    - The observation. What the module could not see is missing, and is judged as not reached.
    - If the host could not be inspected, C(unreachable) or C(blind) says why, instead of all else.
  returned: always
  type: dict
  sample:
    host: gpu1
    docker: {problem: "", load: loaded, active: active, sub: running, result: success}
    gpus: {wanted: true, problems: [], count: 1}
    models: [{name: llama-3.1-8b, port: 8081, gpus: ["0"], deployed: true}]
"""

from typing import Any

from ansible.module_utils.basic import AnsibleModule
from ansible.module_utils.tgi.common.places import BASE_DIR, DATA_DIR, DEFAULT_BASE_PORT
from ansible.module_utils.tgi.diagnose.look.on_gpu_host import Inside, look_at_gpu_host

ARGUMENTS: dict[str, Any] = {
    "host": {"type": "str"},
    "models": {"type": "list", "elements": "raw", "default": []},
    "base_port": {"type": "int", "default": DEFAULT_BASE_PORT},
    "bind_address": {"type": "str", "default": ""},
    "base_dir": {"type": "str", "default": BASE_DIR},
    "data_dir": {"type": "str", "default": DATA_DIR},
    "min_driver": {"type": "str", "default": "0"},
    "timeouts": {"type": "dict", "default": {}},
    "without_chat": {"type": "list", "elements": "str", "default": []},
    "without_tools": {"type": "list", "elements": "str", "default": []},
    "tools": {"type": "bool", "default": True},
    "canary_passes": {"type": "int", "default": 2},
    "timeout": {"type": "float", "default": 30.0},
    "egress": {"type": "str", "default": "open"},
}


def wish_of(params: dict[str, Any]) -> Inside:
    """Return the module's parameters as what the host should run."""
    return Inside(
        params["host"] or "localhost",
        params["models"],
        params["base_port"],
        params["bind_address"],
        params["base_dir"],
        params["data_dir"],
        params["min_driver"],
        params["timeouts"],
        params["without_chat"],
        params["without_tools"],
        params["tools"],
        params["canary_passes"],
        params["timeout"],
        params["egress"],
    )


def main() -> None:
    """Inspect, and return the observation."""
    module = AnsibleModule(argument_spec=ARGUMENTS, supports_check_mode=True)
    module.exit_json(changed=False, seen=look_at_gpu_host(wish_of(module.params)))


if __name__ == "__main__":
    main()
