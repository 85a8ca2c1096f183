#!/usr/bin/python
"""Let one run at a time change a host."""

from __future__ import annotations

DOCUMENTATION = r"""
module: tgi_run_lock
short_description: Let one run at a time change a host
description:
  - Takes, renews or gives back the lock of a host, C(/run/tgi-ansible.lock). It says which run
    changes the host, since when, and what it does.
  - Refuses while another run holds the lock. A lock ends 900 seconds after its last sign, and with
    a reboot of the host. If the other run was started on this controller and its process has
    ended, this run takes the lock over at once and says so.
  - The action of the same name adds O(run) and O(ended).
options:
  state:
    description:
      - V(held) takes the lock, or renews it. V(renewed) only renews the lock of this run, and does
        nothing if this run has none. V(free) gives back the lock of this run.
    type: str
    choices: [held, renewed, free]
    default: held
  what:
    description: What the run does, for the message to another run.
    type: str
    default: ''
  busy_seconds:
    description: The lock holds so long without a sign, if that is more than 900 seconds.
    type: int
    default: 0
  take_over:
    description: Take the lock over from any other run.
    type: bool
    default: false
  run:
    description: This run; the action sets it.
    type: dict
    suboptions: &holder
      user: {description: User on the controller., type: str, required: true}
      controller: {description: Host name of the controller., type: str, required: true}
      boot: {description: Boot and PID namespace of the controller., type: str, required: true}
      pid: {description: Process ansible-playbook., type: int, required: true}
      began: {description: When it began., type: int, required: true}
  ended:
    description: A run that has ended, as the controller knows; the action sets it.
    type: dict
    suboptions: *holder
  path:
    description: The lock.
    type: path
    default: /run/tgi-ansible.lock
attributes:
  check_mode:
    support: full
    description: Refuses likewise, and writes nothing.
author: tgi-ansible
"""

EXAMPLES = r"""
- name: Keep other runs away while the image is pulled
  tgi_run_lock:
    what: pulling the image
    busy_seconds: 7200

- name: Let other runs change the host
  tgi_run_lock:
    state: free
"""

RETURN = r"""
holder:
  description: The run that holds the lock.
  returned: when another run holds it
  type: dict
  sample: {user: anna, controller: ctl1, boot: "", pid: 4711, began: 0}
"""

from dataclasses import asdict
from pathlib import Path
from typing import Any

from ansible.module_utils.basic import AnsibleModule
from ansible.module_utils.tgi.common.file_system import in_words
from ansible.module_utils.tgi.common.places import RUN_LOCK
from ansible.module_utils.tgi.rollout.holder import Holder
from ansible.module_utils.tgi.rollout.lock import LockError, free, hold, renew

_HOLDER = {
    "user": {"type": "str", "required": True},
    "controller": {"type": "str", "required": True},
    "boot": {"type": "str", "required": True},
    "pid": {"type": "int", "required": True},
    "began": {"type": "int", "required": True},
}
ARGUMENTS: dict[str, Any] = {
    "state": {"type": "str", "choices": ["held", "renewed", "free"], "default": "held"},
    "what": {"type": "str", "default": ""},
    "busy_seconds": {"type": "int", "default": 0},
    "take_over": {"type": "bool", "default": False},
    "run": {"type": "dict", "required": True, "options": _HOLDER},
    "ended": {"type": "dict", "options": _HOLDER},
    "path": {"type": "path", "default": RUN_LOCK},
}


def main() -> None:
    """Run as an Ansible module."""
    module = AnsibleModule(argument_spec=ARGUMENTS, supports_check_mode=True)
    params, dry = module.params, module.check_mode
    run, path = Holder(**params["run"]), Path(params["path"])
    ended = Holder(**params["ended"]) if params["ended"] else None
    changed, note = False, ""
    try:
        if params["state"] == "held":
            seconds, take_over = params["busy_seconds"], params["take_over"]
            changed, note = hold(run, params["what"], seconds, ended, take_over, path, dry)
        elif params["state"] == "free":
            changed = free(run, path, dry)
        elif not dry:
            renew(run, path)
    except LockError as error:
        other = {"holder": asdict(error.lock.holder)} if error.lock else {}
        module.fail_json(msg=str(error), **other)
    except OSError as error:
        module.fail_json(msg=in_words(error))
    # The action adds the host's name
    module.exit_json(changed=changed, note=note)


if __name__ == "__main__":
    main()
