#!/usr/bin/python
"""Fetch models' files from the Hugging Face Hub or a mirror, whole and proven."""

from __future__ import annotations

DOCUMENTATION = r"""
module: hf_snapshot
short_description: Fetch snapshots of the Hugging Face Hub, whole and proven
description:
  - Brings repositories at a commit into a cache as the Hub's clients make it, so that TGI serves
    from it with C(HF_HUB_OFFLINE=1). Only the files that TGI reads come - no second copy of the
    weights, no C(original/), no pickles where there are safetensors.
  - Each file is proven by the SHA-256, or for small files git's SHA-1, that the Hub's list gives
    for the commit. A manifest and partial files are kept in C(.tgi-ansible) below O(cache_dir).
  - A cut, or a kill, at any byte costs nothing - the next run goes on there. Links and the ref
    appear when all files are there, so nothing incomplete can be served.
  - While it fetches, it shows a line every few seconds with rate and time left. When you stop
    Ansible, the host goes on, and the next run joins it.
  - Needs only Python 3.9 on the host.
options:
  snapshots:
    description: What the host should have.
    type: list
    elements: dict
    required: true
    suboptions:
      repository:
        description: Id of a model on the Hub, such as C(org/name).
        type: str
        required: true
      revision:
        description: A commit, 40 hex digits.
        type: str
        required: true
      code:
        description: Whether its Python files come too (C(trust_remote_code)).
        type: bool
        default: false
      pickle:
        description: Whether pickles come where it has no safetensors. Loading one can run code.
        type: bool
        default: false
      hf_token:
        description: Whether it is fetched with O(token), as gated and private ones must be.
        type: bool
        default: false
      verify:
        description:
          - V(once) proves what comes, and again what was written since. V(start) proves all files
            now. V(never) takes files that are there by their size.
          - A damaged file is deleted at once and fetched anew.
        type: str
        choices: [once, start, never]
        default: once
  token:
    description: Token of the Hub. Only O(endpoint) itself gets it.
    type: str
    default: ""
  cache_dir:
    description: The cache, C(HF_HOME/hub) of TGI.
    type: path
    default: /var/lib/tgi/hub
  endpoint:
    description: Address of the Hub.
    type: str
    default: https://huggingface.co
  mirror:
    description:
      - Address of a server that speaks the Hub's protocol, or a directory on the host that this
        module has filled elsewhere, such as a network file system. It gets no token.
    type: str
    default: ""
  ca_file:
    description: File on the host with authorities that are trusted too.
    type: path
  proxies:
    description: C(http_proxy), C(https_proxy) and C(no_proxy), by these names.
    type: dict
    default: {}
  workers:
    description: How many files come at once.
    type: int
    default: 8
  throttle:
    description: Most MiB a second; 0 for no limit.
    type: float
    default: 0
  reserve:
    description: GiB that stay free on the disk.
    type: float
    default: 1
  step:
    description:
      - Set by the action plugin. V(look) reads no content and asks no server, V(progress) says how
        far the work is, V(all) does it.
    type: str
    choices: [all, look, progress]
    default: all
attributes:
  check_mode:
    support: full
    description: Says what is missing, without asking a server.
  diff_mode:
    support: none
author: tgi-ansible
"""

EXAMPLES = r"""
- name: Fetch a model
  hf_snapshot:
    snapshots:
      - repository: Qwen/Qwen2.5-7B-Instruct
        revision: a09a35458c702b33eeacc393d103063234e8bc28

- name: Take it from the site's mirror, at 100 MiB a second, and prove it again
  hf_snapshot:
    snapshots:
      - repository: Qwen/Qwen2.5-7B-Instruct
        revision: a09a35458c702b33eeacc393d103063234e8bc28
        verify: start
    mirror: /mnt/models
    throttle: 100
"""

RETURN = r"""
complete:
  description: Whether every snapshot is whole and in place.
  returned: always
  type: bool
lines:
  description: How far each snapshot is that is being fetched.
  returned: O(step=progress)
  type: list
  elements: str
snapshots:
  description: What is there, in the order of the option.
  returned: success
  type: list
  elements: dict
  contains:
    repository: {description: As in the option., type: str}
    revision: {description: As in the option., type: str}
    path: {description: The snapshot's directory., type: str}
    size: {description: Bytes of its files; 0 where they are not known yet., type: int}
    missing: {description: Names of files that are not there., type: list, elements: str}
    fetched: {description: Names of files that came., type: list, elements: str}
    damaged: {description: Those that were there before and damaged., type: list, elements: str}
    renamed: {description: The repository's new name on the Hub., type: str}
kind:
  description: What kind of problem it was.
  returned: failure
  type: str
  sample: gated
"""

from pathlib import Path
from typing import Any

from ansible.module_utils.basic import AnsibleModule
from ansible.module_utils.tgi.common.places import DATA_DIR
from ansible.module_utils.tgi.weights.fetch_progress import progress_line, read_progress
from ansible.module_utils.tgi.weights.hub_connection import PUBLIC
from ansible.module_utils.tgi.weights.hub_problem import HubProblem
from ansible.module_utils.tgi.weights.snapshot_fetch import fetch
from ansible.module_utils.tgi.weights.snapshot_look import look
from ansible.module_utils.tgi.weights.snapshot_store import SnapshotStore
from ansible.module_utils.tgi.weights.snapshot_wishes import seen, wishes

ARGUMENTS: dict[str, Any] = {
    "snapshots": {
        "type": "list",
        "elements": "dict",
        "required": True,
        "options": {
            "repository": {"type": "str", "required": True},
            "revision": {"type": "str", "required": True},
            "code": {"type": "bool", "default": False},
            "pickle": {"type": "bool", "default": False},
            "hf_token": {"type": "bool", "default": False},
            "verify": {"type": "str", "choices": ["once", "start", "never"], "default": "once"},
        },
    },
    "token": {"type": "str", "default": "", "no_log": True},
    "cache_dir": {"type": "path", "default": f"{DATA_DIR}/hub"},
    "endpoint": {"type": "str", "default": PUBLIC.endpoint},
    "mirror": {"type": "str", "default": ""},
    "ca_file": {"type": "path"},
    # A proxy's address may hold a password
    "proxies": {"type": "dict", "default": {}, "no_log": True},
    "workers": {"type": "int", "default": 8},
    "throttle": {"type": "float", "default": 0},
    "reserve": {"type": "float", "default": 1},
    "step": {"type": "str", "choices": ["all", "look", "progress"], "default": "all"},
}


def main() -> None:
    """Look, say how far it is, or fetch."""
    module = AnsibleModule(argument_spec=ARGUMENTS, supports_check_mode=True)
    cache = Path(module.params["cache_dir"])
    try:
        wanted = wishes(module.params)
    except ValueError as error:
        module.fail_json(msg=str(error), kind="input", complete=False)
    stores = [SnapshotStore(cache, wish.repository, wish.revision) for wish in wanted]
    pairs = list(zip(stores, wanted))
    if module.params["step"] == "progress":
        values = [read_progress(store.progress) for store in stores]
        lines = [progress_line(value) for value in values if value]
        module.exit_json(changed=False, complete=False, lines=lines)
    if module.params["step"] == "look" or module.check_mode:
        standings = [look(store, wish) for store, wish in pairs]
        module.exit_json(
            changed=not all(one.settled for one in standings),
            complete=all(one.complete for one in standings),
            snapshots=[seen(*pair, one) for pair, one in zip(pairs, standings)],
        )
    results: list[dict[str, Any]] = []
    changed = False
    for store, wish in pairs:
        try:
            done = fetch(store, wish)
        except HubProblem as error:
            module.fail_json(
                msg=str(error), kind=error.kind, complete=False, changed=changed, snapshots=results
            )
        changed = changed or done.changed
        result = seen(store, wish, look(store, wish))
        result.update(fetched=list(done.fetched), damaged=list(done.damaged))
        results.append(result)
        if done.manifest.renamed:
            module.warn(
                f"{wish.repository} is now {done.manifest.renamed} on the Hub; "
                "write that as model_id with the next change"
            )
    module.exit_json(changed=changed, complete=True, snapshots=results)


if __name__ == "__main__":
    main()
