#!/usr/bin/python
"""Bring a host what it needs of a bundle, over Ansible's own connection."""

from __future__ import annotations

DOCUMENTATION = r"""
module: tgi_bundle_files
short_description: Bring a host what it needs of a bundle
description:
  - Works out what a host needs of a bundle - the packages of its system, its image, the weights of
    its models - and fails when the bundle lacks some of it.
  - Sends what the host misses through the connection of Ansible, as the host may have no route to
    anything. Each file grows as a C(.part), goes on there after a cut, and gets its place when its
    SHA-256 is right. Files of an earlier bundle are deleted first, and the disk is checked.
  - Writes a configuration by which apt sees the bundle's packages alone, for C(APT_CONFIG).
  - The connection must take the input of a command, as C(ssh) and C(local) do.
author: tgi-ansible
options:
  state:
    description: V(held) compares with the bundle's list and asks the host nothing.
    type: str
    choices: [present, held]
    default: present
  bundle:
    description: Directory on the controller, which M(tgi_bundle_proof) has proven.
    type: path
  directory:
    description: Where the host keeps the files.
    type: path
    default: /var/lib/tgi-bundle
  system:
    description: The host's system, such as V(debian-13).
    type: str
  apt:
    description: Whether apt installs the host's packages.
    type: bool
    default: true
  image:
    description: The image of its models, by digest; empty for a host without models.
    type: str
    default: ""
  models:
    description: Its models, entries of the fact C(tgi_host.models).
    type: list
    elements: dict
    default: []
  step:
    description: Set by the action plugin.
    type: str
    choices: [look, begin, adopt, end]
    default: look
  files:
    description: Set by the action plugin.
    type: list
    elements: dict
    default: []
  texts:
    description: Set by the action plugin.
    type: dict
    default: {}
attributes:
  check_mode:
    support: full
    description: Says what the host misses.
"""

EXAMPLES = r"""
- name: Bring the packages to a gateway
  tgi_bundle_files:
    bundle: /media/disk/bundle
    system: debian-13
"""

RETURN = r"""
files:
  description: How many files of the bundle the host needs.
  returned: success
  type: int
brought:
  description: Those that came, or would come.
  returned: success
  type: list
  elements: str
bytes:
  description: Bytes of these.
  returned: success
  type: int
dropped:
  description: Files of an earlier bundle that were, or would be, deleted.
  returned: success
  type: list
  elements: str
"""

from pathlib import Path
from typing import Any

from ansible.module_utils.basic import AnsibleModule
from ansible.module_utils.tgi.bundle.bundle_form import BundleError
from ansible.module_utils.tgi.bundle.use.bundle_share import BundleFile
from ansible.module_utils.tgi.bundle.use.host_files import BundleOnHost
from ansible.module_utils.tgi.common.file_system import failing_in_words
from ansible.module_utils.tgi.common.places import BUNDLE_DIR


def work(there: BundleOnHost, given: dict[str, Any], dry: bool) -> dict[str, Any]:
    """Do one step, and return what the action plugin reads."""
    files = [BundleFile(*one) for one in map(_values, given["files"])]
    step = given["step"]
    if step == "adopt":
        return {"wrong": there.adopt(files)}
    if step == "end":
        return {"written": there.end(given["texts"], dry)}
    missing = there.missing(files, not dry)
    return {
        "missing": [one._asdict() for one in missing],
        "dropped": there.begin(files, missing) if step == "begin" else there.stale(files),
        "written": there.end(given["texts"], True),
    }


def _values(one: dict[str, Any]) -> tuple[str, str, int]:
    return str(one["path"]), str(one["sha256"]), int(one["size"])


def main() -> None:
    """Do one step of the action plugin of the same name."""
    module = AnsibleModule(
        argument_spec={
            "step": {
                "type": "str",
                "choices": ["look", "begin", "adopt", "end"],
                "default": "look",
            },
            "directory": {"type": "path", "default": BUNDLE_DIR},
            "files": {"type": "list", "elements": "dict", "default": []},
            "texts": {"type": "dict", "default": {}},
        },
        supports_check_mode=True,
    )
    there = BundleOnHost(Path(module.params["directory"]))
    with failing_in_words(module.fail_json):
        try:
            result = work(there, module.params, module.check_mode)
        except BundleError as error:
            module.fail_json(msg=str(error))
        module.exit_json(changed=False, **result)


if __name__ == "__main__":
    main()
