#!/usr/bin/python
"""Ansible module: refuse packages that would take the engine away from running containers."""

from __future__ import annotations

DOCUMENTATION = r"""
module: docker_packages
short_description: Judge what installing an engine would do to the one that is there
description:
  - Refuses to replace one engine by another (C(docker.io) by C(docker-ce), or the other way).
  - Refuses another major version of the engine or of containerd while containers run, as
    containers outlive patch releases only.
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
attributes:
  check_mode:
    support: full
author: tgi-ansible
"""

EXAMPLES = r"""
- name: Judge what would be installed
  docker_packages:
    source: docker_ce
    wanted: {docker-ce: "5:29.*", containerd.io: "2.*"}
"""

RETURN = r"""
installed:
  description: Versions of the installed packages, by name.
  returned: success
  type: dict
engine_moves:
  description: Whether the installation will replace the engine, which restarts its daemon.
  returned: success
  type: bool
"""

from ansible.module_utils.basic import AnsibleModule
from ansible.module_utils.tgi.docker_packages import (
    conflicts,
    engine_moves,
    leaps,
    parse_installed,
)

FORMAT = "${db:Status-Abbrev}|${Package}|${Version}\n"
NAMES = ["docker*", "containerd*", "runc*", "podman-docker*"]


def running(module: AnsibleModule) -> int:
    """How many containers run; none where no daemon answers."""
    docker = module.get_bin_path("docker")
    if docker is None:
        return 0
    code, out, _err = module.run_command([docker, "ps", "--quiet"])
    return len(out.split()) if code == 0 else 0


def main() -> None:
    module = AnsibleModule(
        argument_spec={
            "source": {"type": "str", "choices": ["docker_ce", "distro"], "required": True},
            "wanted": {"type": "dict", "required": True},
        },
        supports_check_mode=True,
    )
    source = module.params["source"]
    wanted = {name: str(version or "") for name, version in module.params["wanted"].items()}
    query = module.get_bin_path("dpkg-query", required=True)
    # 1 says that a pattern is met by nothing
    code, out, err = module.run_command([query, "--show", "--showformat", FORMAT, *NAMES])
    if code not in (0, 1):
        module.fail_json(msg=f"dpkg-query says: {err.strip()}")
    installed = parse_installed(out)
    strangers = conflicts(installed, source)
    if strangers:
        engine = "docker-ce" if source == "docker_ce" else "docker.io"
        other = "distro" if source == "docker_ce" else "docker_ce"
        module.fail_json(
            msg=f"{', '.join(strangers)} is installed, and installing {engine} would remove it "
            "under whatever runs on it. Remove it yourself when nothing runs "
            f"(apt-get remove {' '.join(strangers)}), or write docker_source: {other}"
        )
    leaping = leaps(installed, wanted)
    count = running(module) if leaping else 0
    if count:
        module.fail_json(
            msg=f"{'; '.join(leaping)}: containers outlive patch releases only, and {count} run. "
            "Stop them first, or keep what is there with docker_version and "
            "docker_containerd_version"
        )
    module.exit_json(
        changed=False, installed=installed, engine_moves=engine_moves(installed, wanted)
    )


if __name__ == "__main__":
    main()
