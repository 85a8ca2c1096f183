#!/usr/bin/python
"""Keep the files with which models passed their checks, put them back, and write the history."""

from __future__ import annotations

DOCUMENTATION = r"""
module: tgi_sets
short_description: Keep the sets of files with which models passed, put one back, list them
description:
  - A set is C(compose.yaml) and C(deployed.json) of a model. The active one is in C(NAME/) below
    O(base_dir), those that passed are in C(NAME/sets/ID/).
  - Starts and stops nothing. A call that was interrupted can be made again.
author: tgi-ansible
options:
  state:
    description:
      - V(kept) keeps the active sets, which have just passed.
      - V(back) makes the set active again that passed last and is not active, or O(set), with the
        secrets that were proven last. With O(event=returned) the one before is kept no longer.
      - V(noted) only writes O(event) into the history.
      - V(listed) only reads the kept sets and the history.
    type: str
    choices: [kept, back, noted, listed]
    required: true
  base_dir:
    description: Directory of the Compose projects.
    type: path
    default: /opt/tgi
  models:
    description: Names of the models. V(listed) takes all when it is empty.
    type: list
    elements: str
    default: []
  number:
    description: How many sets of each model stay, the active one included.
    type: int
    default: 3
  set:
    description: Id of the set that O(state=back) makes active.
    type: str
    default: ""
  targets:
    description: Ids of single models for O(state=back), model to id. They come before O(set).
    type: dict
    default: {}
  unproven:
    description: With O(state=back), leave models alone whose active set is the last that passed.
    type: bool
    default: false
  event:
    description: What the history is to say of each model; empty writes no line.
    type: str
    choices: ["", started, replaced, returned, rolled_back, removed, failed]
    default: ""
  by:
    description: The user and the controller, such as V(anna@ctl1), for the history.
    type: str
    default: ""
  commit:
    description: Commit that the controller deploys from, for the history.
    type: str
    default: ""
  gap:
    description: Seconds that the model was out on this host, for the history.
    type: float
  note:
    description: A sentence for the history.
    type: str
    default: ""
attributes:
  check_mode:
    support: full
    description: Reports what it would keep or put back.
"""

EXAMPLES = r"""
- name: Keep what has passed
  tgi_sets:
    state: kept
    models: [llama-3.1-8b]
    event: replaced
    by: anna@ctl1

- name: Go back to what passed last
  tgi_sets:
    state: back
    models: [llama-3.1-8b]
"""

RETURN = r"""
sets:
  description: >-
    The sets that are now kept (O(state=kept)), that were made active (O(state=back)), or all that
    are kept, newest first (O(state=listed)). Each also has the fields of C(deployed.json).
  returned: success
  type: list
  elements: dict
  contains:
    id:
      description: 12 hex digits of the SHA-256 of its C(compose.yaml), without comments.
      type: str
    kept_at:
      description: Since when it is the newest that passed, or was until another one did; in UTC.
      type: str
    active:
      description: Whether it is the active one.
      type: bool
    name:
      description: The model's name.
      type: str
history:
  description: The entries of C(history.jsonl) for these models, oldest first.
  returned: O(state=listed)
  type: list
  elements: dict
table:
  description: History and kept sets as lines for a reader.
  returned: O(state=listed)
  type: list
  elements: str
"""

from dataclasses import asdict
from pathlib import Path
from typing import Any

from ansible.module_utils.basic import AnsibleModule
from ansible.module_utils.tgi.common.file_system import in_words
from ansible.module_utils.tgi.common.places import BASE_DIR
from ansible.module_utils.tgi.models.project_arguments import utc_now
from ansible.module_utils.tgi.rollout import history, sets
from ansible.module_utils.tgi.rollout.history_table import history_table

TEXT: dict[str, Any] = {"type": "str", "default": ""}
ARGUMENTS: dict[str, Any] = {
    "state": {"type": "str", "choices": ["kept", "back", "noted", "listed"], "required": True},
    "base_dir": {"type": "path", "default": BASE_DIR},
    "models": {"type": "list", "elements": "str", "default": []},
    "number": {"type": "int", "default": 3},
    "set": TEXT,
    "event": {**TEXT, "choices": ["", *history.EVENTS]},
    "by": TEXT,
    "commit": TEXT,
    "gap": {"type": "float"},
    "targets": {"type": "dict", "default": {}},
    "unproven": {"type": "bool", "default": False},
    "note": TEXT,
}


def keep(params: dict[str, Any], dry: bool) -> dict[str, Any]:
    """Keep the active sets. The history comes first: a call made again repeats a line at most."""
    places = _places(params)
    changed = [sets.keep(place, params["number"], dry=True) for place in places]
    noted = _note(params, dry)
    for place in places:
        sets.keep(place, params["number"], dry)
    found = [one for one in map(sets.active, places) if one]
    return {"changed": any(changed) or noted, "sets": [sets.as_dict(one, True) for one in found]}


def back(params: dict[str, Any], dry: bool) -> dict[str, Any]:
    """Put sets back, all or none where one is missing."""
    places = [one for one in _places(params) if not (params["unproven"] and sets.is_kept(one))]
    asked = {place: params["targets"].get(place.name) or params["set"] for place in places}
    for place in places:
        sets.put_back(place, asked[place], dry=True)
    failed = params["event"] == history.RETURNED
    done = [sets.put_back(place, asked[place], dry, failed) for place in places]
    noted = _note(params, dry)
    changed = noted or any(changed for _, changed in done)
    return {"changed": changed, "sets": [sets.as_dict(one, True) for one, _ in done]}


def note(params: dict[str, Any], dry: bool) -> dict[str, Any]:
    """Write the event alone."""
    return {"changed": _note(params, dry), "sets": []}


def listed(params: dict[str, Any], _dry: bool) -> dict[str, Any]:
    """Return the kept sets and the history."""
    base, names = Path(params["base_dir"]), params["models"]
    places = _places(params) or sorted(base.glob("*/"))
    found = [
        sets.as_dict(one, one.id == sets.active_id(place))
        for place in places
        for one in sets.kept(place)
    ]
    entries = [one for one in history.read_history(base) if not names or one.model in names]
    table = history_table(entries, found)
    lines = [asdict(one) for one in entries]
    return {"changed": False, "sets": found, "history": lines, "table": table}


def _places(params: dict[str, Any]) -> list[Path]:
    return [Path(params["base_dir"]) / name for name in params["models"]]


def _note(params: dict[str, Any], dry: bool) -> bool:
    """Add the event of each model to the history; return whether there is one."""
    at = utc_now()
    more = {name: params[name] for name in ("by", "commit", "gap", "note")}
    entries = [
        history.entry_of(sets.active(place), place.name, at, params["event"], **more)
        for place in _places(params)
        if params["event"]
    ]
    if entries and not dry:
        history.append(Path(params["base_dir"]), entries)
    return bool(entries)


ACTS = {"kept": keep, "back": back, "noted": note, "listed": listed}


def main() -> None:
    """Run as an Ansible module."""
    module = AnsibleModule(argument_spec=ARGUMENTS, supports_check_mode=True)
    params = module.params
    if params["state"] != "listed" and not params["models"]:
        module.fail_json(msg=f"models is empty; state: {params['state']} needs names of models")
    try:
        result = ACTS[params["state"]](params, module.check_mode)
    except (OSError, ValueError) as error:
        module.fail_json(msg=in_words(error))
    module.exit_json(**result)


if __name__ == "__main__":
    main()
