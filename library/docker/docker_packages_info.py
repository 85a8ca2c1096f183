#!/usr/bin/python
"""Check what installing an engine would do to the existing one."""

from __future__ import annotations

DOCUMENTATION = r"""
module: docker_packages_info
short_description: Check what installing an engine would do to the existing one
description:
  - Returns which packages conflict with the wanted engine (C(docker.io) with C(docker-ce), or the
    other way). Fails if they must go while any container runs, or if apt would remove other
    packages with them.
  - Fails if containers run and the engine or containerd would get another major version.
    Containers only survive patch releases.
  - Fails if the host has an engine that no package manager can remove (snap, a copied binary).
  - Changes nothing.
options:
  source:
    description: Where the engine comes from.
    type: str
    choices: [docker_ce, distro]
    required: true
  wanted:
    description: Versions by package, with V(*) as wildcard; an empty version accepts any.
    type: dict
    required: true
  manager:
    description: The host's package manager.
    type: str
    choices: [apt, dnf]
    default: apt
  tools:
    description: Other packages that must be installed, at any version.
    type: list
    elements: str
    default: []
  hold:
    description: Whether the packages should be held.
    type: bool
    default: true
  refused:
    description: Fail with this message, unless it is empty.
    type: str
    default: ''
attributes:
  check_mode:
    support: full
author: tgi-ansible
"""

EXAMPLES = r"""
- name: Check what would be installed
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
  description: Installed packages to remove first; no container needs them.
  returned: success
  type: list
  elements: str
install:
  description: Packages to install, with their version; empty if all are as wanted.
  returned: success
  type: list
  elements: str
lists_missing:
  description: Whether apt has no package lists. Check mode needs them to foresee packages.
  returned: success
  type: bool
unheld:
  description: Whether a hold is missing or not wanted.
  returned: success
  type: bool
started:
  description: Whether the daemon runs and starts at boot.
  returned: success
  type: bool
engine_moves:
  description: Whether the installation replaces the engine and so restarts its daemon.
  returned: success
  type: bool
"""

from pathlib import Path

from ansible.module_utils.basic import AnsibleModule
from ansible.module_utils.tgi.docker.containers import shims
from ansible.module_utils.tgi.docker.engine_packages import (
    PATTERNS,
    confining,
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
    """Count the running containers, also those whose daemon is down."""
    docker = module.get_bin_path("docker")
    code, out, _err = module.run_command([docker, "ps", "--quiet"]) if docker else (1, "", "")
    return max(len(out.split()) if code == 0 else 0, shims())


def refuse_conflicts(module: AnsibleModule, going: list[str]) -> None:
    """Fail if conflicting packages serve containers, or if apt would remove others with them."""
    source, manager = module.params["source"], module.params["manager"]
    other = "distro" if source == "docker_ce" else "docker_ce"
    engine = "docker-ce" if source == "docker_ce" else "docker.io"
    listed = ", ".join(going)
    count = running(module)
    if count:
        module.fail_json(
            msg=f"{engine} replaces {listed}, but {count} containers run. "
            f"Stop them first, or write docker_source: {other}"
        )
    if manager == "apt":
        along = dependents(module.run_command, going)
        if along:
            module.fail_json(
                msg=f"{engine} replaces {listed}, and apt would also remove {', '.join(along)}. "
                f"Remove those yourself, or write docker_source: {other}"
            )


def started(module: AnsibleModule) -> bool:
    """Check whether the daemon runs and starts at boot."""
    systemctl = module.get_bin_path("systemctl")
    if systemctl is None:
        return False
    show = [systemctl, "show", "docker", "--property=ActiveState,UnitFileState"]
    _code, out, _err = module.run_command(show)
    return set(out.split()) == {"ActiveState=active", "UnitFileState=enabled"}


def unheld(module: AnsibleModule, there: Installed, wanted: dict[str, str]) -> bool:
    """Check whether a hold is missing or not wanted."""
    hold = module.params["hold"]
    if module.params["manager"] == "apt":
        return bool(to_mark(there, wanted, hold))
    path = Path(LOCKS)
    before = path.read_text() if path.exists() else ""
    return locks_text(before, "docker", wanted, locks(there.versions, wanted, hold)) != before


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
    tools = [*module.params["tools"], *confining(manager)]
    try:
        there = ask(module.run_command, manager, [*PATTERNS, *tools])
    except ValueError as error:
        module.fail_json(msg=str(error))
    going = conflicts(there.versions, source)
    if going:
        refuse_conflicts(module, going)
    leaping = leaps(there.versions, wanted)
    count = running(module) if leaping else 0
    if count:
        module.fail_json(
            msg=f"{'; '.join(leaping)}: containers only survive patch releases, and {count} run. "
            "Stop them first, or set docker_version and docker_containerd_version to the installed "
            "versions"
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
