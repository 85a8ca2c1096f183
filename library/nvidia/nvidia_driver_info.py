#!/usr/bin/python
"""Check whether NVIDIA's driver works on a host, and if not, why."""

from __future__ import annotations

DOCUMENTATION = r"""
module: nvidia_driver_info
short_description: Check whether NVIDIA's driver works, and if not, why
description:
  - Runs C(nvidia-smi). If that shows no GPU, checks the PCI bus, the kernel's modules, Secure Boot
    and the driver's libraries. Only reads.
options:
  packages:
    description: Driver packages; RV(offered) is true when apt can install all of them.
    type: list
    elements: str
    default: []
  release:
    description: Debian codename; RV(mirror) is the mirror that the host uses for it.
    type: str
attributes:
  check_mode:
    support: full
    description: Only reads.
author: tgi-ansible
"""

EXAMPLES = r"""
- name: Check the driver
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
  description: Why it shows none, with the remedy; empty if it works.
  returned: always
  type: str
installable:
  description: Whether installing a driver can help.
  returned: always
  type: bool
nouveau:
  description: Whether nouveau is loaded. NVIDIA's module then needs a reboot.
  returned: always
  type: bool
offered:
  description: Whether apt can install all of O(packages).
  returned: always
  type: bool
kernel:
  description: Release of the running kernel.
  returned: always
  type: str
flavours:
  description: Packages that bring the next kernels, without C(linux-image-).
  returned: always
  type: list
  elements: str
mirror:
  description: Mirror from which the host gets O(release); empty if it has none.
  returned: always
  type: str
"""

from pathlib import Path

from ansible.module_utils.basic import AnsibleModule
from ansible.module_utils.tgi.common.commands import ask
from ansible.module_utils.tgi.host.nvidia.driver import look
from ansible.module_utils.tgi.host.nvidia.driver_failure import explain, installable
from ansible.module_utils.tgi.host.nvidia.gpus import QUERY, are_usable, parse_gpus
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
    works = are_usable(answer.rc, parse_gpus(answer.text)[0])
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
