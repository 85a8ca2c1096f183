#!/usr/bin/python
"""Write the Compose projects of a host's models, and what is deployed as data."""

from __future__ import annotations

DOCUMENTATION = r"""
module: tgi_deployed
short_description: Write the Compose projects of all models, and deployed.json beside each
description:
  - Writes C(secrets.env), C(compose.yaml) and C(deployed.json) below O(base_dir), in a directory
    for each model, for all models in one task. It starts and stops nothing.
  - C(deployed.json) is what later runs, the preflight and C(diagnose.yml) read. It is written
    again only when a field other than C(deployed_at) and C(commit) changes.
  - When other secrets replace those of a model, the ones before stay in C(secrets.env.before) until
    M(tgi_sets) has kept the new set or put one back.
author: tgi-ansible
extends_documentation_fragment: [tgi_deployed]
options:
  state:
    description: >-
      Whether the files of O(models) exist. V(absent) deletes the kept sets too. Directories that
      hold other files stay.
    type: str
    choices: [present, absent]
    default: present
  data_dir:
    description: >-
      Directory of the weights, which is made too, for root alone. One that exists keeps its mode,
      unless it is root's with mode 0755 and neither a mount nor a link: the role made it so once.
    type: path
    default: /var/lib/tgi
  commit:
    description: Commit that the controller deploys from.
    type: str
    default: ""
attributes:
  check_mode:
    support: full
    description: Reports the files that it would write.
  diff_mode:
    support: full
    description: Never shows C(secrets.env).
"""

EXAMPLES = r"""
- name: Write the Compose projects
  tgi_deployed:
    models: "{{ ansible_facts['tgi_host'].models }}"
    image: "{{ tgi_image }}"
    options_digests: {llama-3.1-8b: 0f1c…}
    compose: {llama-3.1-8b: "{{ lookup('ansible.builtin.template', 'compose.yaml.j2') }}"}

- name: Delete the files of a model that was stopped
  tgi_deployed:
    state: absent
    models: [{name: llama-3.1-8b}]
"""

RETURN = r"""
files:
  description: Paths that were made, written or deleted.
  returned: success
  type: list
  elements: str
  sample: [/opt/tgi/llama-3.1-8b/deployed.json]
projects:
  description: Names of the models whose C(compose.yaml) changed.
  returned: when O(state=present)
  type: list
  elements: str
"""

from pathlib import Path
from typing import Any

from ansible.module_utils.basic import AnsibleModule
from ansible.module_utils.tgi.common.file_system import in_words
from ansible.module_utils.tgi.common.places import DATA_DIR
from ansible.module_utils.tgi.host.data_directory import make_directory
from ansible.module_utils.tgi.models import project_files
from ansible.module_utils.tgi.models.project_arguments import PROJECTS, lacking, records_of

ARGUMENTS: dict[str, Any] = {
    "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
    "data_dir": {"type": "path", "default": DATA_DIR},
    "commit": {"type": "str", "default": ""},
    **PROJECTS,
}


def write(params: dict[str, Any], dry: bool) -> dict[str, Any]:
    """Write the projects of all models."""
    base, names = Path(params["base_dir"]), [model["name"] for model in params["models"]]
    made = make_directory(Path(params["data_dir"]), dry)
    made += project_files.make_directories([base, *(base / name for name in names)], dry)
    changes: list[project_files.FileChange] = []
    for record in records_of(params):
        compose, secrets = (params[text].get(record.name, "") for text in ("compose", "secrets"))
        changes += project_files.write_project(base / record.name, compose, secrets, record, dry)
    hidden = {project_files.SECRETS}
    if not params["show_compose"]:
        hidden.add(project_files.COMPOSE)
    return {
        "changed": bool(made or changes),
        "files": [str(path) for path in [*made, *(change.path for change in changes)]],
        "projects": [
            change.path.parent.name
            for change in changes
            if change.path.name == project_files.COMPOSE
        ],
        "diff": [change.diff() for change in changes if change.path.name not in hidden],
    }


def remove(params: dict[str, Any], dry: bool) -> dict[str, Any]:
    """Delete the projects of all models."""
    gone: list[Path] = []
    for model in params["models"]:
        gone += project_files.remove_project(Path(params["base_dir"]) / model["name"], dry)
    return {"changed": bool(gone), "files": [str(path) for path in gone]}


def main() -> None:
    """Write or delete the files."""
    module = AnsibleModule(argument_spec=ARGUMENTS, supports_check_mode=True)
    act = write if module.params["state"] == "present" else remove
    if act is write and (problem := lacking(module.params)):
        module.fail_json(msg=problem)
    try:
        result = act(module.params, module.check_mode)
    except OSError as error:
        module.fail_json(msg=in_words(error))
    module.exit_json(**result)


if __name__ == "__main__":
    main()
