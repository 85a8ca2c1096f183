#!/usr/bin/python
"""Ansible module: whether NVIDIA's driver runs on a host, and if not, why."""

from __future__ import annotations

DOCUMENTATION = r"""
module: nvidia_driver_info
short_description: Tell whether NVIDIA's driver runs, and if not, why
description:
  - Asks C(nvidia-smi), and where that shows no GPU, looks at the PCI bus, the kernel's modules,
    Secure Boot and the driver's libraries. It reads only.
options:
  packages:
    description: Packages of the driver, of which is told whether apt could install them.
    type: list
    elements: str
    default: []
  release:
    description: Codename of a Debian release, of which is told whence the host has it.
    type: str
attributes:
  check_mode:
    support: full
    description: It only reads.
author: tgi-ansible
"""

EXAMPLES = r"""
- name: Look at the driver
  nvidia_driver_info:
    packages: [nvidia-kernel-dkms]
  register: driver
"""

RETURN = r"""
works:
  description: Whether C(nvidia-smi) shows a GPU.
  returned: always
  type: bool
reason:
  description: Why it shows none, with the remedy.
  returned: always
  type: str
installable:
  description: Whether an installation could be the cure.
  returned: always
  type: bool
nouveau:
  description: Whether nouveau is loaded, which keeps NVIDIA's module out until a reboot.
  returned: always
  type: bool
offered:
  description: Whether apt could install all of O(packages).
  returned: always
  type: bool
kernel:
  description: Release of the kernel that runs.
  returned: always
  type: str
flavours:
  description: The packages that bring the next kernels, without C(linux-image-).
  returned: always
  type: list
  elements: str
mirror:
  description: Whence the host has O(release), empty where it has it from nowhere.
  returned: always
  type: str
"""

from pathlib import Path

from ansible.module_utils.basic import AnsibleModule
from ansible.module_utils.tgi.common.commands import ask
from ansible.module_utils.tgi.host.nvidia.driver import look
from ansible.module_utils.tgi.host.nvidia.driver_failure import explain, installable
from ansible.module_utils.tgi.host.nvidia.gpus import QUERY, parse_gpus
from ansible.module_utils.tgi.host.nvidia.kernels import flavours, mirror, offered


def main() -> None:
    module = AnsibleModule(
        argument_spec={
            "packages": {"type": "list", "elements": "str", "default": []},
            "release": {"type": "str"},
        },
        supports_check_mode=True,
    )
    machine = look(Path("/"))
    answer = ask(QUERY)
    works = answer.rc == 0 and bool(parse_gpus(answer.text)[0])
    module.exit_json(
        changed=False,
        works=works,
        reason="" if works else explain(answer, machine, "a driver", ask),
        installable=not works and installable(answer, machine),
        nouveau=machine.nouveau,
        offered=all(offered(name, ask) for name in module.params["packages"]),
        kernel=machine.kernel,
        flavours=flavours(ask),
        mirror=mirror(module.params["release"], ask) if module.params["release"] else "",
    )


if __name__ == "__main__":
    main()
