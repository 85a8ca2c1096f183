#!/usr/bin/python
"""Take a replica out of a gateway's service, or back in, without a reload."""

from __future__ import annotations

DOCUMENTATION = r"""
module: tgi_drain
short_description: Take a replica out of a gateway's service, or back in, without a reload
description:
  - Makes or removes the flag files that the gateway's nginx checks for every request. They
    survive a reboot.
  - Reads a replica's models from the configuration in force on the gateway. So you can take out a
    replica whose host is down.
  - Refuses to take out the last replica that serves a model, and to take back one that does not
    serve. It asks the engines for one token.
options:
  replica:
    description: Name of the replica; the gateway names it after its host by default.
    type: str
    required: true
  models:
    description: Models to take out or back in; empty means all that the replica serves.
    type: list
    elements: str
    default: []
  state:
    description:
      - Whether the replica gets requests. V(idle) changes nothing, and fails while the gateway has
        an open connection to the replica.
    type: str
    choices: [drained, serving, idle]
    default: drained
  by:
    description: Who takes the replica out; later runs say it with the time.
    type: str
    default: ''
  main:
    description: nginx's main file, a link into the configuration in force.
    type: path
    default: /etc/nginx/nginx.conf
  directory:
    description: Directory of the flags.
    type: path
    default: /var/lib/tgi-gateway/drain
attributes:
  check_mode:
    support: full
    description: Reports what would change.
author: tgi-ansible
"""

EXAMPLES = r"""
- name: Send nothing more to gpu1
  tgi_drain:
    replica: gpu1
"""

RETURN = r"""
flags:
  description: The flags made or removed.
  returned: success
  type: list
  elements: str
  sample: [llama@gpu1]
left:
  description: Number of open connections from the gateway to the replica.
  returned: O(state=idle)
  type: int
"""

import json
import time
from pathlib import Path
from typing import Any

from ansible.module_utils.basic import AnsibleModule
from ansible.module_utils.tgi.common.file_system import in_words
from ansible.module_utils.tgi.common.files import write
from ansible.module_utils.tgi.common.places import GATEWAY_STATE
from ansible.module_utils.tgi.gateway.drain import (
    DrainError,
    asked_for,
    flags_of,
    places,
    refuse_last_healthy,
    refuse_unserved,
    under_way,
)
from ansible.module_utils.tgi.readiness.probe import probe_all

#: Seconds for an engine's answer
_PROBE = 20.0
# A request that passed before the flag may not have connected yet
_AGAIN = 0.5


def ask_engines(addresses: dict[str, str], busy_serves: bool) -> dict[str, str]:
    """Return why each engine does not serve, "" if it does; one that is busy may count as well."""
    seen = probe_all({flag: (f"http://{address}", _PROBE) for flag, address in addresses.items()})
    return {
        flag: ""
        if one.ready or (busy_serves and one.healthy and (one.late or " 429" in one.detail))
        else one.detail
        for flag, one in seen.items()
    }


def report_open(module: AnsibleModule, addresses: list[str]) -> None:
    """End the module with the number of open connections; 0 only if two counts agree."""
    wanted = places(addresses)
    left = under_way(Path("/proc"), wanted)
    if not left:
        time.sleep(_AGAIN)
        left = under_way(Path("/proc"), wanted)
    answer: dict[str, Any] = {"changed": False, "left": left}
    if not left:
        module.exit_json(**answer)
    replica = module.params["replica"]
    remedy = "raise gateway_drain_timeout, or find the client whose request still runs"
    many = "connection is" if left == 1 else "connections are"
    module.fail_json(
        msg=f"{replica}: {left} {many} still open to it, and it gets no new ones; {remedy}",
        **answer,
    )


def main() -> None:
    """Run as an Ansible module."""
    options: dict[str, Any] = {
        "replica": {"type": "str", "required": True},
        "models": {"type": "list", "elements": "str", "default": []},
        "by": {"type": "str", "default": ""},
        "state": {
            "type": "str",
            "choices": ["drained", "serving", "idle"],
            "default": "drained",
        },
        "main": {"type": "path", "default": "/etc/nginx/nginx.conf"},
        "directory": {"type": "path", "default": f"{GATEWAY_STATE}/drain"},
    }
    module = AnsibleModule(options, supports_check_mode=True)
    params = module.params
    directory, drained = Path(params["directory"]), params["state"] == "drained"
    try:
        backends = json.loads((Path(params["main"]).resolve().parent / "backends.json").read_text())
        raised = {path.name for path in directory.iterdir()} if directory.exists() else set()
        flags = flags_of(backends, params["replica"], params["models"], drained, raised)
        if params["state"] == "idle":
            report_open(module, list(flags.values()))
        due = sorted(flag for flag in flags if (flag in raised) is not drained)
        if due:
            faults = ask_engines(asked_for(backends, due, raised), drained)
            refuse = refuse_last_healthy if drained else refuse_unserved
            refuse(params["replica"], due, faults)
        for flag in due if not module.check_mode else ():
            if drained:
                directory.mkdir(mode=0o755, parents=True, exist_ok=True)
                write(directory / flag, f"{params['by']}\n".encode())
            else:
                (directory / flag).unlink()
    except FileNotFoundError as error:
        lacks = "no gateway's configuration is in force here; run site.yml first"
        module.fail_json(msg=f"{lacks} ({error.filename})")
    except (DrainError, OSError, ValueError) as error:
        module.fail_json(msg=in_words(error))
    module.exit_json(changed=bool(due), flags=due)


if __name__ == "__main__":
    main()
