#!/usr/bin/python
"""Find, or stop, what a model has beside the container of its active set."""

from __future__ import annotations

DOCUMENTATION = r"""
module: tgi_beside
short_description: Find, or stop, what models have beside the containers of their active sets
description:
  - While a new set starts beside the old one, a model has two Compose projects. The active one is
    that of C(deployed.json); the other one is what this module is about.
  - Knows containers by their project and its directory, so it touches none that is not ours.
options:
  state:
    description: V(listed) changes nothing. V(absent) stops and removes them.
    type: str
    choices: [listed, absent]
    default: listed
  models:
    description: Names of models; empty means all that are deployed.
    type: list
    elements: str
    default: []
  base_dir:
    description: Directory of the Compose projects.
    type: path
    default: /opt/tgi
attributes:
  check_mode:
    support: full
    description: Reports what it would stop.
author: tgi-ansible
"""

EXAMPLES = r"""
- name: Stop what served before
  tgi_beside:
    state: absent
    models: [llama-3.1-8b]
"""

RETURN = r"""
beside:
  description: What the models have, or had, beside their active sets.
  returned: success
  type: list
  elements: dict
  sample: [{name: llama-3.1-8b, project: tgi2-llama-31-8b, port: 8083, gpus: ["1"], runs: true}]
places:
  description: Where the active set of each model is, by its name.
  returned: success
  type: dict
  sample:
    llama-3.1-8b:
      {port: 8081, url: "http://127.0.0.1:8081", project: tgi-llama-31-8b, gpus: ["0"]}
"""

from dataclasses import asdict
from pathlib import Path
from typing import Any

from ansible.module_utils.basic import AnsibleModule
from ansible.module_utils.tgi.common.file_system import in_words
from ansible.module_utils.tgi.common.places import BASE_DIR
from ansible.module_utils.tgi.docker.compose_containers import DockerError
from ansible.module_utils.tgi.docker.start_errors import docker_remedy
from ansible.module_utils.tgi.rollout import leftovers

ARGUMENTS: dict[str, Any] = {
    "state": {"type": "str", "choices": ["listed", "absent"], "default": "listed"},
    "models": {"type": "list", "elements": "str", "default": []},
    "base_dir": {"type": "path", "default": BASE_DIR},
}


def main() -> None:
    """Run as an Ansible module."""
    module = AnsibleModule(argument_spec=ARGUMENTS, supports_check_mode=True)
    base, stops = Path(module.params["base_dir"]), module.params["state"] == "absent"
    try:
        records = leftovers.active_records(base, module.params["models"])
        found = leftovers.find_leftovers(base, records)
        for one in found if stops and not module.check_mode else ():
            leftovers.take_down(one)
    except DockerError as error:
        module.fail_json(msg=f"{error}. Remedy: {docker_remedy(str(error))}; then run this again")
    except (OSError, ValueError) as error:
        module.fail_json(msg=in_words(error))
    module.exit_json(
        changed=stops and bool(found),
        beside=[asdict(one) for one in found],
        places={one.name: leftovers.place_of(one) for one in records},
    )


if __name__ == "__main__":
    main()
