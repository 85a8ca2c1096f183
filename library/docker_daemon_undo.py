#!/usr/bin/python
"""Take the settings that were merged into Docker's daemon.json out of it again."""

from __future__ import annotations

DOCUMENTATION = r"""
module: docker_daemon_undo
short_description: Take merged settings out of Docker's daemon.json
description:
  - Gives every key of the settings the value it had before C(docker_daemon_config) first wrote
    the file, or removes it. What others set, before or since, stays.
  - The copies that were kept beside the file go with it. The daemon is not told.
options:
  path:
    description: The file.
    type: path
    default: /etc/docker/daemon.json
  settings:
    description: The settings that were merged in.
    type: dict
    required: true
attributes:
  check_mode:
    support: full
  diff_mode:
    support: full
    description: Shows the file before and after.
author: tgi-ansible
"""

EXAMPLES = r"""
- name: Return to the daemon's settings from before
  docker_daemon_undo:
    settings: {live-restore: true}
"""

RETURN = r"""
removed:
  description: Files that are no longer needed.
  returned: success
  type: list
  elements: str
"""

import contextlib
from pathlib import Path
from typing import Any

from ansible.module_utils.basic import AnsibleModule
from ansible.module_utils.tgi.docker_daemon import DaemonConfigError, parse, render
from ansible.module_utils.tgi.docker_undo import undo

# The file as it was found, and the one before the last change
ORIGINAL, BEFORE = ".original-tgi-ansible", ".before-tgi-ansible"
COPIES = (ORIGINAL, BEFORE, f"{BEFORE}.old", ".refused")


def load(path: Path) -> dict[str, Any]:
    return dict(parse(path.read_text() if path.exists() else "", str(path)))


def main() -> None:
    module = AnsibleModule(
        argument_spec={
            "path": {"type": "path", "default": "/etc/docker/daemon.json"},
            "settings": {"type": "dict", "required": True},
        },
        supports_check_mode=True,
    )
    path = Path(module.params["path"]).resolve()
    copies = [copy for copy in (Path(f"{path}{one}") for one in COPIES) if copy.exists()]
    try:
        before = load(path)
        # Without a copy this project never wrote the file
        after = undo(before, load(copies[0]), module.params["settings"]) if copies else before
    except DaemonConfigError as error:
        module.fail_json(msg=str(error))
    gone = [path, *copies] if copies and not after and path.exists() else copies
    if not module.check_mode:
        if after != before:
            path.write_text(render(after))
        for file in gone:
            file.unlink()
        with contextlib.suppress(OSError):  # not there, or others keep something in it
            path.parent.rmdir()
    module.exit_json(
        changed=bool(gone) or after != before,
        removed=[str(file) for file in gone],
        diff={
            "before_header": str(path),
            "after_header": str(path),
            "before": render(before) if before else "",
            "after": render(after) if after else "",
        },
    )


if __name__ == "__main__":
    main()
