#!/usr/bin/python
"""Take a replica out of a gateway's service, or back in, without a reload."""

from __future__ import annotations

DOCUMENTATION = r"""
module: tgi_drain
short_description: Take a replica out of a gateway's service, or back in, without a reload
description:
  - Makes or removes the flag files that the gateway's nginx checks for every request. They
    survive a reboot, and say who made them, why, and whether a roll-out did.
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
  run:
    description:
      - The flags belong to a roll-out, whose end removes them. It leaves flags of persons alone.
      - Without it, V(drained) turns a roll-out's flag into a person's, and V(serving) removes
        both.
    type: bool
    default: false
  by:
    description:
      - Who takes the replica out, for a roll-out as V(user@controller). Later runs name it and the
        time.
    type: str
    default: ''
  why:
    description: Why, such as V(replacing llama (image\)). Later runs quote it.
    type: str
    default: ''
  last:
    description:
      - Whether the last replica of a model may be taken out; clients get a 503 with Retry-After.
        V(skip) takes out only models that the replica does not serve, but another one does.
    type: str
    choices: [refuse, allow, skip]
    default: refuse
  unpublished:
    description:
      - What to do with a replica or model that this gateway does not publish, and on a host without
        a gateway's configuration. With V(ignore) there is nothing to do.
    type: str
    choices: [refuse, ignore]
    default: refuse
  ask:
    description: Whether to ask the engines before a change.
    type: bool
    default: true
  addresses:
    description:
      - With O(state=idle), count connections to these host:port in place of the published ones,
        for a replica that has moved to another port.
    type: list
    elements: str
    default: []
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

- name: Take llama on gpu1 out for its replacement, even if no other host serves it
  tgi_drain:
    replica: gpu1
    models: [llama]
    run: true
    by: anna@ctl1
    why: replacing llama (image)
    last: allow
    unpublished: ignore
"""

RETURN = r"""
flags:
  description: The flags made or removed.
  returned: O(state=drained) and O(state=serving)
  type: list
  elements: str
  sample: [llama@gpu1]
stayed:
  description: With O(run), the flags that a person made and that this therefore left alone.
  returned: O(state=drained) and O(state=serving)
  type: list
  elements: str
left:
  description: Number of open connections from the gateway to the replica.
  returned: O(state=idle)
  type: int
"""

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
    due_flags,
    flags_of,
    only_silent,
    places,
    refuse_last,
    refuse_last_healthy,
    refuse_unserved,
    under_way,
)
from ansible.module_utils.tgi.gateway.drained import flag_text, read_drained
from ansible.module_utils.tgi.gateway.in_force import addresses_in_force
from ansible.module_utils.tgi.readiness.probe import probe_all

ARGUMENTS: dict[str, Any] = {
    "replica": {"type": "str", "required": True},
    "models": {"type": "list", "elements": "str", "default": []},
    "state": {"type": "str", "choices": ["drained", "serving", "idle"], "default": "drained"},
    "run": {"type": "bool", "default": False},
    "by": {"type": "str", "default": ""},
    "why": {"type": "str", "default": ""},
    "last": {"type": "str", "choices": ["refuse", "allow", "skip"], "default": "refuse"},
    "unpublished": {"type": "str", "choices": ["refuse", "ignore"], "default": "refuse"},
    "ask": {"type": "bool", "default": True},
    "addresses": {"type": "list", "elements": "str", "default": []},
    "main": {"type": "path", "default": "/etc/nginx/nginx.conf"},
    "directory": {"type": "path", "default": f"{GATEWAY_STATE}/drain"},
}
#: Seconds for an engine's answer
_PROBE = 20.0
# A request that passed before the flag may not have connected yet
_AGAIN = 0.5


def ask_engines(addresses: dict[str, list[str]], busy_serves: bool) -> dict[str, str]:
    """Return why each engine serves at no address, "" if it does; a busy one may count as well."""
    faults: dict[str, str] = {}
    every = {f"{flag} {one}": flag for flag, its in addresses.items() for one in its}
    for key, one in probe_all({it: (f"http://{it.split()[1]}", _PROBE) for it in every}).items():
        busy = busy_serves and one.healthy and (one.late or " 429" in one.detail)
        serves = one.ready or busy or faults.get(every[key]) == ""
        faults[every[key]] = "" if serves else one.detail
    return faults


def published(main: Path, strict: bool) -> dict[str, list[str]]:
    """Return flag -> addresses of all published replicas. ``strict`` wants a gateway here."""
    try:
        return addresses_in_force(main)
    except FileNotFoundError as error:
        if not strict:
            return {}
        lacks = "no gateway's configuration is in force here; run site.yml first"
        raise DrainError(f"{lacks} ({error.filename})") from None


def report_open(module: AnsibleModule, addresses: list[str]) -> None:
    """End the module with the number of open connections; 0 only if two counts agree."""
    wanted = places(addresses)
    left = under_way(Path("/proc"), wanted) if wanted else 0
    if wanted and not left:
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


def change(module: AnsibleModule) -> None:
    """Make or remove flags, or count connections, and end the module. Raises DrainError."""
    params, directory = module.params, Path(module.params["directory"])
    replica, last_too = params["replica"], params["last"] == "allow"
    drained = params["state"] == "drained"
    skip = drained and params["last"] == "skip"
    strict = params["unpublished"] == "refuse" and not params["addresses"]
    addresses = published(Path(params["main"]), strict)
    raised = {one.flag: one for one in read_drained(directory)}
    # A flag can be removed also when its replica is not published any more
    known = dict.fromkeys([*addresses, *(raised if params["state"] == "serving" else ())])
    flags = flags_of(known, replica, params["models"], strict)
    if params["state"] == "idle":
        report_open(module, params["addresses"] or [it for one in flags for it in addresses[one]])
    due, stayed = due_flags(flags, raised, drained, params["run"])
    if drained and not skip and not last_too:
        refuse_last(addresses, replica, due, raised)
    if skip or (params["ask"] and not (drained and last_too)):
        faults = ask_engines(asked_for(addresses, due, raised, drained), drained)
        due = only_silent(addresses, replica, due, raised, faults) if skip else due
        refuse = refuse_last_healthy if drained else refuse_unserved
        refuse(replica, [flag for flag in due if flag in faults], faults)
    for flag in due if not module.check_mode else ():
        if drained:
            directory.mkdir(mode=0o755, parents=True, exist_ok=True)
            write(directory / flag, flag_text(params["by"], params["run"], params["why"]))
        else:
            (directory / flag).unlink(missing_ok=True)
    module.exit_json(changed=bool(due), flags=due, stayed=stayed)


def main() -> None:
    """Run as an Ansible module."""
    module = AnsibleModule(ARGUMENTS, supports_check_mode=True)
    try:
        change(module)
    except (DrainError, OSError, ValueError) as error:
        module.fail_json(msg=in_words(error))


if __name__ == "__main__":
    main()
