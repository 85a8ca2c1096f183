#!/usr/bin/python
"""Compare the deployed models with what the inventory wants, and change nothing."""

from __future__ import annotations

DOCUMENTATION = r"""
module: tgi_changes
short_description: Say for each model of a host what a run would do to it, and why
description:
  - Compares the files of each model with the wanted ones, and asks Docker Compose (C(--dry-run))
    whether it would touch containers whose files are the same.
  - Takes the same options as M(tgi_deployed), and only reads, with and without check mode.
author: tgi-ansible
extends_documentation_fragment: [tgi_deployed]
options:
  room:
    description: Whether to look for room for a second container although nothing changes.
    type: bool
    default: false
attributes:
  check_mode:
    support: full
    description: Changes nothing.
"""

EXAMPLES = r"""
- name: Compare the models
  tgi_changes:
    models: "{{ ansible_facts['tgi_host'].models }}"
    image: "{{ tgi_image }}"
    options_digests: {llama-3.1-8b: 0f1c…}
    compose: {llama-3.1-8b: "{{ lookup('ansible.builtin.template', 'compose.yaml.j2') }}"}
"""

RETURN = r"""
models:
  description: Each wanted model, then each deployed one that is not wanted.
  returned: success
  type: list
  elements: dict
  contains:
    name:
      description: The model's name.
      type: str
    action:
      description:
        - V(start) for a model without a running container, V(replace) for one whose container would
          be made anew, V(update) when only files change, V(stop) when it is not wanted, V(nothing).
      type: str
    why:
      description: >-
        The reasons, such as C(image sha256:1a2b3c4d5e6f → sha256:…), C(port 8081 → 8090), C(token
        of the Hub). Without O(show_compose) environment variables show no values.
      type: list
      elements: str
    set:
      description: Id of the wanted set; empty for a model that is to stop.
      type: str
    current:
      description: Id of the set that is active; empty for a model without one.
      type: str
    kept:
      description: Whether the active set is the last that passed, with the secrets that it has now.
      type: bool
    returnable:
      description: Whether a set other than the wanted one passed, and can be put back.
      type: bool
    runs:
      description: Whether its container runs.
      type: bool
    stale:
      description: >-
        Whether the active set has passed and is not the wanted one, and Docker Compose would
        replace the running container for it. A roll-back that ended early leaves this.
      type: bool
    serves:
      description: >-
        Whether C(/health) answers 200 within 5 seconds on its current port. Asked only for
        V(replace) and V(stop), and where RV(models[].kept) is false; else null.
      type: bool
    gap:
      description: Seconds that it was out the last time, from the history; null if unknown.
      type: float
    port:
      description: Its present port; for V(start) the wanted one.
      type: int
    project:
      description: Its Compose project.
      type: str
    gpus:
      description: Its present GPUs; for V(start) the wanted ones.
      type: list
      elements: str
    beside:
      description: What it has beside that container, as M(tgi_beside) lists it; null if nothing.
      type: dict
    memory:
      description: Bytes of memory that its container holds. Asked only for V(replace); else null.
      type: int
ansible_facts:
  description:
    - C(tgi_changes), the same list as RV(models).
    - C(tgi_room), what there is for a second container (RV(room)). Empty where nothing changes.
    - C(tgi_locked), whether the host has a lock (M(tgi_run_lock)), which then is another run's.
  returned: success
  type: dict
room:
  description: >-
    Listening ports, UUIDs of GPUs with a process, and bytes of available memory. Looked for where a
    model changes, and with O(room).
  returned: success
  type: dict
  sample: {ports: [22, 8081], busy: [GPU-5f1c], memory: 17179869184}
"""

from pathlib import Path
from typing import Any

from ansible.module_utils.basic import AnsibleModule
from ansible.module_utils.tgi.common.file_system import in_words
from ansible.module_utils.tgi.common.places import RUN_LOCK
from ansible.module_utils.tgi.docker.compose_containers import DockerError
from ansible.module_utils.tgi.docker.start_errors import docker_remedy
from ansible.module_utils.tgi.models.project_arguments import PROJECTS, lacking, records_of
from ansible.module_utils.tgi.rollout.changes import WantedModel, find_changes
from ansible.module_utils.tgi.rollout.rollout_plan import due
from ansible.module_utils.tgi.rollout.room import look_for_room

ARGUMENTS: dict[str, Any] = {"room": {"type": "bool", "default": False}, **PROJECTS}


def main() -> None:
    """Compare, and return the list."""
    module = AnsibleModule(argument_spec=ARGUMENTS, supports_check_mode=True)
    params = module.params
    if problem := lacking(params):
        module.fail_json(msg=problem)
    wanted = [
        WantedModel(one, params["compose"][one.name], params["secrets"].get(one.name, ""))
        for one in records_of(params)
    ]
    try:
        models = find_changes(Path(params["base_dir"]), wanted, params["show_compose"])
        with_gpus = any(one.record.gpus for one in wanted)
        room = look_for_room(with_gpus) if params["room"] or due(models) else {}
    except DockerError as error:
        said = f"Docker Compose does not say what it would do: {error}"
        module.fail_json(msg=f"{said}. Remedy: {docker_remedy(str(error))}; then run this again")
    except OSError as error:
        module.fail_json(msg=in_words(error))
    facts = {"tgi_changes": models, "tgi_room": room, "tgi_locked": Path(RUN_LOCK).exists()}
    module.exit_json(changed=False, models=models, room=room, ansible_facts=facts)


if __name__ == "__main__":
    main()
