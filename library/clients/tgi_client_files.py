#!/usr/bin/python
"""Write the files that a consumer's people paste into their clients."""

from __future__ import annotations

DOCUMENTATION = r"""
module: tgi_client_files
short_description: Keep a private directory of files for each consumer
description:
  - Writes O(files) into C(DIRECTORY/CONSUMER), each in one step. Files are C(0600), directories
    C(0700).
  - Removes only what it wrote itself, which C(.tgi-ansible.json) in that directory lists.
  - A diff names the files. It never shows what is in them.
author: tgi-ansible
options:
  directory:
    description: Directory of all consumers.
    type: path
    required: true
  consumer:
    description: Name of the consumer that gets O(files).
    type: str
  files:
    description:
      - Texts by the name of the file. Files of an earlier run that are not among them are removed.
    type: dict
  only:
    description: Names of the consumers that stay. The files of all others are removed.
    type: list
    elements: str
attributes:
  check_mode:
    support: full
    description: Reports what it would write and remove.
  diff_mode:
    support: partial
    description: Names the files.
"""

EXAMPLES = r"""
- name: Write what the consumer rubberduck needs
  tgi_client_files:
    directory: /home/ops/clients
    consumer: rubberduck
    files: {client.env: "{{ lookup('ansible.builtin.template', 'client.env.j2') }}"}
  delegate_to: localhost

- name: Remove the files of all others
  tgi_client_files:
    directory: /home/ops/clients
    only: [rubberduck]
  delegate_to: localhost
"""

RETURN = r"""
written:
  description: Paths of the files that were written.
  returned: success
  type: list
  elements: str
removed:
  description: Paths of the files that were removed.
  returned: success
  type: list
  elements: str
left:
  description: What a person put into the directory of a consumer that is gone.
  returned: success
  type: list
  elements: str
"""

from pathlib import Path
from typing import Any

from ansible.module_utils.basic import AnsibleModule
from ansible.module_utils.tgi.common.file_system import in_words
from ansible.module_utils.tgi.gateway.consumers.client_tree import keep_consumers, write_consumer

ARGUMENTS: dict[str, Any] = {
    "directory": {"type": "path", "required": True},
    "consumer": {"type": "str"},
    "files": {"type": "dict", "no_log": True},
    "only": {"type": "list", "elements": "str"},
}


def main() -> None:
    """Run as an Ansible module."""
    module = AnsibleModule(
        argument_spec=ARGUMENTS,
        supports_check_mode=True,
        required_one_of=[["consumer", "only"]],
        mutually_exclusive=[["consumer", "only"]],
        required_together=[["consumer", "files"]],
    )
    params, root = module.params, Path(module.params["directory"])
    try:
        if params["consumer"] is not None:
            change = write_consumer(root, params["consumer"], params["files"], module.check_mode)
        else:
            change = keep_consumers(root, params["only"], module.check_mode)
    except (OSError, ValueError) as error:
        module.fail_json(msg=in_words(error))
    for path in change.left:
        module.warn(
            f"{path} is not ours and stays, though its consumer is gone: remove it yourself"
        )
    module.exit_json(
        changed=bool(change.lines()),
        written=change.written,
        removed=change.removed,
        left=change.left,
        diff={"before": "", "after": change.lines()},
    )


if __name__ == "__main__":
    main()
