#!/usr/bin/python
"""Inspect a gateway host, and return the observation as plain data."""

from __future__ import annotations

DOCUMENTATION = r"""
module: tgi_diagnose_gateway
short_description: Inspect nginx on a gateway host, and its way to the models
description:
  - Inspects nginx, the configuration that it serves and the one on the disk, the listening ports,
    the error log, disks, memory, the kernel's log and the clock. Asks each replica for one token.
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
  ports:
    description: Ports that nginx must listen on.
    type: list
    elements: int
    default: [443]
"""

EXAMPLES = r"""
- name: Inspect the gateway
  tgi_diagnose_gateway:
    ports: [80, 443]
  become: true
  register: gateway
"""

RETURN = r"""
seen:
  description:
    - The observation. What the module could not see is missing, and is judged as not reached.
    - If the host could not be inspected, C(unreachable) or C(blind) says why, instead of all else.
  returned: always
  type: dict
  sample:
    host: gw1
    service: {load: loaded, active: active, sub: running, result: success}
    ports: [443]
    listening: {"443": nginx}
    errors: []
    models: [{name: llama-3.1-8b, replicas: []}]
"""

from typing import Any

from ansible.module_utils.basic import AnsibleModule
from ansible.module_utils.tgi.diagnose.look.on_gateway import Places, look_at_gateway

ARGUMENTS: dict[str, Any] = {
    "host": {"type": "str"},
    "ports": {"type": "list", "elements": "int", "default": [443]},
}


def main() -> None:
    """Inspect, and return the observation."""
    module = AnsibleModule(argument_spec=ARGUMENTS, supports_check_mode=True)
    places = Places(tuple(module.params["ports"]))
    seen = look_at_gateway(module.params["host"] or "localhost", places)
    module.exit_json(changed=False, seen=seen)


if __name__ == "__main__":
    main()
