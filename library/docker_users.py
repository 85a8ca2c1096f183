#!/usr/bin/python
"""Ansible module: let users of the host use Docker without sudo."""

from __future__ import annotations

DOCUMENTATION = r"""
module: docker_users
short_description: Add users to the docker group
description:
  - Whoever is in the group can start a container with the host's root directory, so is root.
  - Users are neither made nor taken out of the group. A session sees it after the next login.
options:
  users:
    description: Names of users of the host.
    type: list
    elements: str
    required: true
attributes:
  check_mode:
    support: full
author: tgi-ansible
"""

EXAMPLES = r"""
- name: Let the operators use Docker
  docker_users:
    users: [anna]
"""

RETURN = r"""
added:
  description: Users that were, or would be, added.
  returned: success
  type: list
  elements: str
"""

import grp
import pwd

from ansible.module_utils.basic import AnsibleModule

GROUP = "docker"


def known(user: str) -> bool:
    try:
        pwd.getpwnam(user)
    except KeyError:
        return False
    return True


def members() -> list[str]:
    """Who is in the group; before the engine was first installed there is none."""
    try:
        return list(grp.getgrnam(GROUP).gr_mem)
    except KeyError:
        return []


def main() -> None:
    module = AnsibleModule(
        argument_spec={"users": {"type": "list", "elements": "str", "required": True}},
        supports_check_mode=True,
    )
    users = module.params["users"]
    strangers = [user for user in users if not known(user)]
    if strangers:
        module.fail_json(
            msg=f"docker_users: {', '.join(strangers)} is no user of the host; "
            "add the user first, or leave the name out"
        )
    before = members()
    added = [user for user in dict.fromkeys(users) if user not in before]
    for user in [] if module.check_mode else added:
        program = module.get_bin_path("usermod", required=True)
        code, out, err = module.run_command([program, "--append", "--groups", GROUP, user])
        if code:
            module.fail_json(msg=f"usermod says of {user}: {(err or out).strip()}")
    module.exit_json(changed=bool(added), added=added)


if __name__ == "__main__":
    main()
