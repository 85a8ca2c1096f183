#!/usr/bin/python
"""Ansible module: judge what installing an engine would do to the one that is there."""

from __future__ import annotations

DOCUMENTATION = r"""
module: docker_packages_info
short_description: Judge what installing an engine would do to the one that is there
description:
  - Tells which packages have to go for another engine (C(docker.io) for C(docker-ce), or the other
    way), and refuses it while containers run, whoever started them, or where packages of others
    would go along.
  - Refuses another major version of the engine or of containerd while containers run, as
    containers outlive patch releases only.
  - Refuses beside an engine that no package manager can take away (snap, a binary of its own).
  - Changes nothing.
options:
  source:
    description: Where the engine is to come from.
    type: str
    choices: [docker_ce, distro]
    required: true
  wanted:
    description: Versions by package, with V(*) as wildcard; an empty one asks for any.
    type: dict
    required: true
  manager:
    description: The host's package manager.
    type: str
    choices: [apt, dnf]
    default: apt
  tools:
    description: Further packages that must be there, whatever their version.
    type: list
    elements: str
    default: []
  hold:
    description: Whether the packages are to be held.
    type: bool
    default: true
  refused:
    description: Why there can be no engine from there at all; empty where there can.
    type: str
    default: ''
attributes:
  check_mode:
    support: full
author: tgi-ansible
"""

EXAMPLES = r"""
- name: Judge what would be installed
  docker_packages_info:
    source: docker_ce
    wanted: {docker-ce: "5:29.*", containerd.io: "2.*"}
"""

RETURN = r"""
installed:
  description: Versions of the installed packages, by name.
  returned: success
  type: dict
conflicts:
  description: Installed packages that have to go first; nothing runs on them.
  returned: success
  type: list
  elements: str
install:
  description: What the package manager is to be asked for; empty where all is as it is wanted.
  returned: success
  type: list
  elements: str
lists_missing:
  description: Whether apt has no lists at all, without which check mode cannot foresee packages.
  returned: success
  type: bool
unheld:
  description: Whether a hold is missing, or one is there that is not wanted.
  returned: success
  type: bool
started:
  description: Whether the daemon runs, and is started at boot.
  returned: success
  type: bool
engine_moves:
  description: Whether the installation will replace the engine, which restarts its daemon.
  returned: success
  type: bool
"""

from pathlib import Path

from ansible.module_utils.basic import AnsibleModule
from ansible.module_utils.tgi.docker.containers import shims
from ansible.module_utils.tgi.docker.engine_packages import (
    PATTERNS,
    conflicts,
    dependents,
    engine_moves,
    foreign,
    leaps,
    to_install,
)
from ansible.module_utils.tgi.packages.holds import (
    LOCKS,
    Installed,
    ask,
    locks,
    locks_text,
    to_mark,
)

LISTS = Path("/var/lib/apt/lists")


def running(module: AnsibleModule) -> int:
    """How many containers run, be it without their daemon."""
    docker = module.get_bin_path("docker")
    code, out, _err = module.run_command([docker, "ps", "--quiet"]) if docker else (1, "", "")
    return max(len(out.split()) if code == 0 else 0, int(shims()))


def refuse_strangers(module: AnsibleModule, going: list[str]) -> None:
    """Refuse to take packages from under running containers, or others' packages along."""
    source, manager = module.params["source"], module.params["manager"]
    other = "distro" if source == "docker_ce" else "docker_ce"
    engine = "docker-ce" if source == "docker_ce" else "docker.io"
    listed = ", ".join(going)
    count = running(module)
    if count:
        module.fail_json(
            msg=f"{listed} would have to go for {engine}, but {count} containers run. "
            f"Stop them first, or write docker_source: {other}"
        )
    if manager == "apt":
        along = dependents(module.run_command, going)
        if along:
            module.fail_json(
                msg=f"{listed} would have to go for {engine}, and {', '.join(along)} with them. "
                f"Remove or move those yourself, or write docker_source: {other}"
            )


def started(module: AnsibleModule) -> bool:
    systemctl = module.get_bin_path("systemctl")
    if systemctl is None:
        return False
    show = [systemctl, "show", "docker", "--property=ActiveState,UnitFileState"]
    _code, out, _err = module.run_command(show)
    return set(out.split()) == {"ActiveState=active", "UnitFileState=enabled"}


def unheld(module: AnsibleModule, there: Installed, wanted: dict[str, str]) -> bool:
    hold = module.params["hold"]
    if module.params["manager"] == "apt":
        return bool(to_mark(there, wanted, hold))
    path = Path(LOCKS)
    before = path.read_text() if path.exists() else ""
    return bool(locks_text(before, "docker", wanted, locks(there.versions, wanted, hold)) != before)


def main() -> None:
    module = AnsibleModule(
        argument_spec={
            "source": {"type": "str", "choices": ["docker_ce", "distro"], "required": True},
            "wanted": {"type": "dict", "required": True},
            "manager": {"type": "str", "choices": ["apt", "dnf"], "default": "apt"},
            "tools": {"type": "list", "elements": "str", "default": []},
            "hold": {"type": "bool", "default": True},
            "refused": {"type": "str", "default": ""},
        },
        supports_check_mode=True,
    )
    source, manager = module.params["source"], module.params["manager"]
    wanted = {name: str(version or "") for name, version in module.params["wanted"].items()}
    if module.params["refused"]:
        module.fail_json(msg=module.params["refused"])
    if foreign():
        module.fail_json(msg="; ".join(foreign()))
    tools = module.params["tools"]
    try:
        there = ask(module.run_command, manager, [*PATTERNS, *tools])
    except ValueError as error:
        module.fail_json(msg=str(error))
    going = conflicts(there.versions, source)
    if going:
        refuse_strangers(module, going)
    leaping = leaps(there.versions, wanted)
    count = running(module) if leaping else 0
    if count:
        module.fail_json(
            msg=f"{'; '.join(leaping)}: containers outlive patch releases only, and {count} run. "
            "Stop them first, or keep what is there with docker_version and "
            "docker_containerd_version"
        )
    module.exit_json(
        changed=False,
        installed=there.versions,
        conflicts=going,
        install=to_install(there.versions, wanted, manager, tools),
        lists_missing=manager == "apt" and not any(LISTS.glob("*_Packages*")),
        unheld=unheld(module, there, wanted),
        started=started(module),
        engine_moves=engine_moves(there.versions, wanted),
    )


if __name__ == "__main__":
    main()
