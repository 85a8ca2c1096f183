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
author: tgi-ansible
options:
  state:
    description: Whether the files of O(models) exist. Directories that hold other files stay.
    type: str
    choices: [present, absent]
    default: present
  base_dir:
    description: Directory of the Compose projects.
    type: path
    default: /opt/tgi
  data_dir:
    description: >-
      Directory of the weights, which is made too, for root alone. One that exists keeps its mode,
      unless it is root's with mode 0755 and neither a mount nor a link: the role made it so once.
    type: path
    default: /var/lib/tgi
  models:
    description: The models, as in the fact C(tgi_host.models) of the preflight.
    type: list
    elements: dict
    required: true
    suboptions:
      name:
        description: The model's name.
        type: str
        required: true
      project:
        description: Name of its Compose project.
        type: str
        default: ""
      port:
        description: Its port.
        type: int
        default: 0
      gpus:
        description: Indices or UUIDs of its GPUs; none for the CPU.
        type: list
        elements: str
        default: []
      model_id:
        description: Its repository, or its directory.
        type: str
        default: ""
      revision:
        description: Its commit.
        type: str
      aliases:
        description: Other names.
        type: list
        elements: str
        default: []
  image:
    description: The image, with its digest.
    type: str
    default: ""
  options_digests:
    description: SHA-256 of each container's environment, by the model's name.
    type: dict
    default: {}
  compose:
    description: Text of each C(compose.yaml), by the model's name.
    type: dict
    default: {}
  secrets:
    description: Text of each C(secrets.env), by the model's name; none is an empty file.
    type: dict
    default: {}
  show_compose:
    description: Whether the diff may show C(compose.yaml); false where it may hold secrets.
    type: bool
    default: true
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

from datetime import datetime, timezone
from pathlib import Path
from typing import Any

from ansible.module_utils.basic import AnsibleModule
from ansible.module_utils.tgi.common.file_system import in_words
from ansible.module_utils.tgi.common.places import BASE_DIR, DATA_DIR
from ansible.module_utils.tgi.host.data_directory import make_directory
from ansible.module_utils.tgi.models import project_files
from ansible.module_utils.tgi.models.record import Record

MODEL: dict[str, Any] = {
    "name": {"type": "str", "required": True},
    "project": {"type": "str", "default": ""},
    "port": {"type": "int", "default": 0},
    "gpus": {"type": "list", "elements": "str", "default": []},
    "model_id": {"type": "str", "default": ""},
    "revision": {"type": "str"},
    "aliases": {"type": "list", "elements": "str", "default": []},
}
ARGUMENTS: dict[str, Any] = {
    "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
    "base_dir": {"type": "path", "default": BASE_DIR},
    "data_dir": {"type": "path", "default": DATA_DIR},
    "models": {"type": "list", "elements": "dict", "required": True, "options": MODEL},
    "image": {"type": "str", "default": ""},
    "options_digests": {"type": "dict", "default": {}},
    # Environment variables may hold secrets
    "compose": {"type": "dict", "default": {}, "no_log": True},
    "secrets": {"type": "dict", "default": {}, "no_log": True},
    "show_compose": {"type": "bool", "default": True},
    "commit": {"type": "str", "default": ""},
}


def write(params: dict[str, Any], dry: bool) -> dict[str, Any]:
    """Write the projects of all models."""
    base, names = Path(params["base_dir"]), [model["name"] for model in params["models"]]
    made = make_directory(Path(params["data_dir"]), dry)
    made += project_files.make_directories([base, *(base / name for name in names)], dry)
    now = datetime.now(timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")
    changes: list[project_files.FileChange] = []
    for model in params["models"]:
        record = Record(
            **{**model, "revision": model["revision"] or ""},
            image=params["image"],
            options_digest=str(params["options_digests"][model["name"]]),
            deployed_at=now,
            commit=params["commit"],
        )
        compose, secrets = (params[text].get(model["name"], "") for text in ("compose", "secrets"))
        directory = base / model["name"]
        changes += project_files.write_project(directory, compose, secrets, record, dry)
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
    lacking = [
        model["name"]
        for model in module.params["models"]
        if model["name"] not in module.params["compose"]
        or model["name"] not in module.params["options_digests"]
    ]
    if lacking and act is write:
        module.fail_json(
            msg=f"{', '.join(lacking)} has no text in compose, or no digest; write both"
        )
    try:
        result = act(module.params, module.check_mode)
    except OSError as error:
        module.fail_json(msg=in_words(error))
    module.exit_json(**result)


if __name__ == "__main__":
    main()
