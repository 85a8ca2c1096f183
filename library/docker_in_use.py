#!/usr/bin/python
"""Refuse to take the engine, or the GPUs' toolkit, from containers that run."""

from __future__ import annotations

DOCUMENTATION = r"""
module: docker_in_use
short_description: Refuse to take the engine, or the GPUs' toolkit, from containers that run
description:
  - Fails, and names the containers, where some run that need it. Changes nothing.
  - A daemon that does not answer is judged by the processes its containers left.
options:
  what:
    description: What is to go, the engine or what gives containers their GPUs.
    type: str
    choices: [engine, gpus]
    required: true
  except_below:
    description: Containers of Compose projects in this directory do not count; they go too.
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
  description: The containers that run and need it; none where this succeeds.
  returned: always
  type: list
  elements: str
"""

from ansible.module_utils.basic import AnsibleModule
from ansible.module_utils.tgi.docker.containers import FORMAT, RunningContainer, below, parse, shims

REASONS = {
    "engine": "run, and would be left without their engine. Stop them first, or keep Docker "
    "(without docker_uninstall)",
    "gpus": "have GPUs and could not start again without NVIDIA's toolkit. Stop them first, or "
    "name what shall go (--tags)",
}


def running(module: AnsibleModule) -> list[RunningContainer]:
    """The containers that run, as the daemon says; stand-ins where it says nothing."""
    docker = module.get_bin_path("docker")
    code, out = 1, ""
    if docker is not None:
        code, out, _err = module.run_command([docker, "ps", "--quiet"])
    if code:
        return [
            RunningContainer("one that Docker, which does not answer, left", "", "hook")
        ] * shims()
    if not out.split():
        return []
    _code, said, _err = module.run_command([docker, "inspect", "--format", FORMAT, *out.split()])
    return list(parse(said))


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
