#!/usr/bin/python
"""Refuse to remove Docker or NVIDIA's toolkit while containers need it."""

from __future__ import annotations

DOCUMENTATION = r"""
module: docker_in_use
short_description: Refuse to remove Docker or NVIDIA's toolkit while containers need it
description:
  - Fails with the names of the running containers that need it. Changes nothing.
  - If the daemon does not answer, counts the containers' processes instead.
options:
  what:
    description: What will be removed, V(engine) for Docker or V(gpus) for NVIDIA's toolkit.
    type: str
    choices: [engine, gpus]
    required: true
  except_below:
    description: Ignore containers of Compose projects below this directory.
    type: path
attributes:
  check_mode:
    support: full
author: tgi-ansible
"""

EXAMPLES = r"""
- name: Refuse to remove the engine under containers
  docker_in_use:
    what: engine
"""

RETURN = r"""
containers:
  description: Running containers that need it; empty on success.
  returned: always
  type: list
  elements: str
"""

from ansible.module_utils.basic import AnsibleModule
from ansible.module_utils.tgi.docker.containers import FORMAT, RunningContainer, below, parse, shims

REASONS = {
    "engine": "still run and need Docker. Stop them first, or keep Docker: leave uninstall_docker "
    "unset",
    "gpus": "have GPUs and cannot start again without NVIDIA's toolkit. Stop them first, or use "
    "--tags to keep the toolkit",
}


def running(module: AnsibleModule) -> list[RunningContainer]:
    """Return the running containers; if the daemon does not answer, one stand-in for each."""
    docker = module.get_bin_path("docker")
    code, out = 1, ""
    if docker is not None:
        code, out, _err = module.run_command([docker, "ps", "--quiet"])
    if code:
        return [
            RunningContainer("a container of a Docker that does not answer", "", "hook")
        ] * shims()
    if not out.split():
        return []
    _code, said, _err = module.run_command([docker, "inspect", "--format", FORMAT, *out.split()])
    return parse(said)


def main() -> None:
    module = AnsibleModule(
        argument_spec={
            "what": {"type": "str", "choices": sorted(REASONS), "required": True},
            "except_below": {"type": "path"},
        },
        supports_check_mode=True,
    )
    what = module.params["what"]
    others = [
        one.name
        for one in running(module)
        if (one.gpu or what == "engine") and not below(one, module.params["except_below"] or "")
    ]
    if others:
        module.fail_json(msg=f"{', '.join(others)} {REASONS[what]}", containers=others)
    module.exit_json(changed=False, containers=[])


if __name__ == "__main__":
    main()
