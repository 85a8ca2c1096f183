#!/usr/bin/python
"""Keep the CDI specification and the other files that NVIDIA's toolkit needs."""

from __future__ import annotations

DOCUMENTATION = r"""
module: nvidia_cdi
short_description: Keep the CDI specification of a host's GPUs up to date
description:
  - Returns which packages must be installed. If none must, checks that the CDI specification names
    each GPU and MIG slice that C(nvidia-smi) shows, and no other. If it does not, runs NVIDIA's
    refresh. A file of C(nvidia-ctk) that is in the way is renamed with the suffix
    C(.before-tgi-ansible.bak), which no program reads.
  - Makes Docker start after that refresh at boot, and excludes packages from unattended upgrades.
    Does not run C(systemctl daemon-reload), as that can take GPUs from running containers.
  - Fails if the toolkit's version has no refresh, or one that comes too late at boot.
options:
  manager:
    description: The host's package manager.
    type: str
    choices: [apt, dnf]
    required: true
  packages:
    description: Versions by package, with V(*) as wildcard.
    type: dict
    required: true
  hold:
    description: Whether the packages should be held.
    type: bool
    default: true
  older:
    description: Packages that the toolkit replaces.
    type: list
    elements: str
    default: []
  unattended_exclude:
    description: Prefixes of package names that unattended upgrades must not touch.
    type: list
    elements: str
    default: []
attributes:
  check_mode:
    support: full
    description: Changes nothing; missing devices count as a change.
  diff_mode:
    support: full
    description: Shows the files, and the device names before and after.
author: tgi-ansible
"""

EXAMPLES = r"""
- name: Keep the CDI specification up to date
  nvidia_cdi:
    manager: apt
    packages: {nvidia-container-toolkit-base: 1.20.0-1}
"""

RETURN = r"""
install:
  description: Packages that are not installed at the wanted version. Devices wait for them.
  returned: always
  type: list
  elements: str
known:
  description: Whether the package manager knows the wanted version.
  returned: always
  type: bool
older:
  description: Packages of O(older) that are installed.
  returned: always
  type: list
  elements: str
unheld:
  description: Packages whose hold differs from O(hold).
  returned: always
  type: list
  elements: str
gpus:
  description: UUIDs of the GPUs and MIG slices that containers can use.
  returned: always
  type: list
  elements: str
cards:
  description: Number of GPUs.
  returned: always
  type: int
removed:
  description: Specification files that were renamed, each with the reason.
  returned: always
  type: dict
"""

from pathlib import Path
from typing import Any

from ansible.module_utils.basic import AnsibleModule
from ansible.module_utils.tgi.common import files as host_files
from ansible.module_utils.tgi.common.commands import ask
from ansible.module_utils.tgi.common.file_system import failing_in_words
from ansible.module_utils.tgi.common.problem import problem
from ansible.module_utils.tgi.docker.engine_packages import dependents
from ansible.module_utils.tgi.host.nvidia import cdi
from ansible.module_utils.tgi.host.nvidia.toolkit_files import (
    ORDER,
    ORDER_TEXT,
    UNATTENDED,
    unattended_text,
)
from ansible.module_utils.tgi.host.nvidia.toolkit_packages import check_version, is_known, unheld
from ansible.module_utils.tgi.packages.holds import LOCKS, matches
from ansible.module_utils.tgi.packages.holds import ask as ask_packages

REFRESH = "nvidia-cdi-refresh.service"
# Tests set another one
ROOT = Path("/")


def at(path: str) -> Path:
    """Return a path of the host below ROOT."""
    return ROOT / path.lstrip("/")


def read(path: str) -> str:
    """Return a text file of the host, empty if it is missing."""
    return host_files.read_bytes(at(path)).decode()


def wanted_files(module: AnsibleModule) -> dict[Path, bytes]:
    """Return the files that the packages do not bring: path -> content."""
    manager = module.params["manager"]
    path = UNATTENDED[manager]
    try:
        text = unattended_text(manager, read(path), module.params["unattended_exclude"])
    except ValueError as error:
        module.fail_json(msg=f"nvidia_container_toolkit_unattended_exclude: {error}")
    return {at(ORDER): ORDER_TEXT.encode(), at(path): text.encode()}


def refuse_others(module: AnsibleModule, older: list[str]) -> None:
    """Fail if apt would remove other packages with NVIDIA's older ones."""
    along = dependents(module.run_command, older)
    if along:
        module.fail_json(
            msg=f"the toolkit replaces {', '.join(older)}, and apt would also remove "
            f"{', '.join(along)}; remove those yourself"
        )


def main() -> None:
    module = AnsibleModule(
        argument_spec={
            "manager": {"type": "str", "choices": ["apt", "dnf"], "required": True},
            "packages": {"type": "dict", "required": True},
            "hold": {"type": "bool", "default": True},
            "older": {"type": "list", "elements": "str", "default": []},
            "unattended_exclude": {"type": "list", "elements": "str", "default": []},
        },
        supports_check_mode=True,
    )
    manager, packages = module.params["manager"], module.params["packages"]
    for version in packages.values():
        if wrong := check_version(str(version)):
            module.fail_json(msg=problem("nvidia_container_toolkit_version", *wrong))
    files = wanted_files(module)
    try:
        there = ask_packages(module.run_command, manager, [*packages, *module.params["older"]])
    except ValueError as error:
        module.fail_json(msg=str(error))
    versions = there.versions
    install = [
        name
        for name, version in packages.items()
        if name not in versions or not matches(versions[name], version)
    ]
    older = [name for name in module.params["older"] if name in versions]
    if older and manager == "apt":
        refuse_others(module, older)
    # Before the packages: their installation reloads systemd, which then reads the new order
    with failing_in_words(module.fail_json):
        changed, diff = host_files.settle(files, (), module.check_mode)
    result: dict[str, Any] = {
        "changed": bool(changed),
        "install": install,
        "known": not install or is_known(packages, manager, ask),
        "older": older,
        "unheld": unheld(there, packages, manager, module.params["hold"], read(LOCKS)),
        "gpus": [],
        "cards": 0,
        "removed": {},
        "diff": diff,
    }
    if not install:
        keep_devices(module, result)
    module.exit_json(**result)


def keep_devices(module: AnsibleModule, result: dict[str, Any]) -> None:
    """Make the CDI specification name each GPU and no other, or fail."""
    found = cdi.devices(ask, ROOT)
    if found.problem:
        module.fail_json(msg=found.problem)
    before = found.named
    removed = cdi.in_the_way(found, ROOT)
    renew = bool(removed or found.missing or found.stale)
    result.update(removed=removed, cards=found.cards)
    if renew and not module.check_mode:
        for path in removed:
            at(path).rename(at(f"{path}.before-tgi-ansible.bak"))
        # Its exit code does not matter: the devices are checked below
        module.run_command(["systemctl", "reset-failed", REFRESH])
        module.run_command(["systemctl", "restart", REFRESH])
        found = found._replace(named=cdi.named(ask))
        if found.missing:
            module.fail_json(msg=cdi.complaint(found, removed, ask))
    after = found.wanted if module.check_mode else found.named
    # Names that no refresh removes (from another specification) are no change
    moved = bool(removed) or (renew and set(after) != set(before))
    result["changed"] = result["changed"] or moved
    result["gpus"] = list(found.wanted)
    if moved:
        headers = {"before_header": "CDI devices", "after_header": "CDI devices"}
        lists = {"before": before, "after": after}
        text = {key: "".join(f"{name}\n" for name in names) for key, names in lists.items()}
        result["diff"].append({**headers, **text})


if __name__ == "__main__":
    main()
