#!/usr/bin/python
"""Remove the settings that docker_daemon_config merged into daemon.json."""

from __future__ import annotations

DOCUMENTATION = r"""
module: docker_daemon_undo
short_description: Remove merged settings from Docker's daemon.json
description:
  - Sets each key back to its value from before C(docker_daemon_config) first wrote the file, or
    removes it. Values that were set by hand stay.
  - Removes the copies of the file, and the registry certificates that this project wrote. Does not
    reload the daemon.
options:
  path:
    description: Path of daemon.json.
    type: path
    default: /etc/docker/daemon.json
  settings:
    description: The settings that were merged in.
    type: dict
    required: true
extends_documentation_fragment: [docker_daemon]
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
  description: Files that were, or would be, removed.
  returned: success
  type: list
  elements: str
"""

import contextlib
from pathlib import Path
from typing import Any

from ansible.module_utils.basic import AnsibleModule
from ansible.module_utils.tgi.common.file_system import failing_in_words
from ansible.module_utils.tgi.common.files import write
from ansible.module_utils.tgi.docker.daemon_files import ORIGINAL, backup_of
from ansible.module_utils.tgi.docker.daemon_json import (
    PROXIES,
    DaemonConfigError,
    masked,
    overlay,
    parse,
    proxies,
    render,
)
from ansible.module_utils.tgi.docker.daemon_record import own_of, undo
from ansible.module_utils.tgi.docker.registry_certificates import plan


def load(path: Path) -> dict[str, Any]:
    """Read a daemon.json; an absent one is {}. Raises DaemonConfigError."""
    return parse(path.read_text() if path.exists() else "", str(path))


def put_back(authority: Path) -> None:
    """Remove a certificate of ours and restore the one that it replaced."""
    authority.unlink()
    if backup_of(authority).exists():
        backup_of(authority).replace(authority)
    with contextlib.suppress(OSError):  # The directory holds other files
        authority.parent.rmdir()
        authority.parent.parent.rmdir()


def main() -> None:
    module = AnsibleModule(
        argument_spec={
            "path": {"type": "path", "default": "/etc/docker/daemon.json"},
            "settings": {"type": "dict", "required": True},
            "proxies": PROXIES,
        },
        supports_check_mode=True,
    )
    path = Path(module.params["path"]).resolve()
    ours = overlay(proxies(**module.params["proxies"]), module.params["settings"])
    before_last = backup_of(path)
    kept = [Path(f"{path}{ORIGINAL}"), before_last, Path(f"{before_last}.old")]
    record = own_of(path)
    kept += [Path(f"{path}.refused"), record, Path(f"{record}.before")]
    copies = [copy for copy in kept if copy.exists()]
    authorities = list(plan(path.parent / "certs.d", {}))
    try:
        before = load(path)
        # Without a copy, this project never wrote the file
        after = undo(before, load(copies[0]), ours) if copies else before
    except DaemonConfigError as error:
        module.fail_json(msg=str(error))
    gone = [path, *copies] if copies and not after and path.exists() else copies
    if not module.check_mode:
        if after != before:
            with failing_in_words(module.fail_json):
                write(path, render(after).encode(), path.stat().st_mode & 0o777)
        for file in gone:
            file.unlink()
        for file in authorities:
            put_back(file)
        with contextlib.suppress(OSError):  # It is missing, or holds other files
            path.parent.rmdir()
    module.exit_json(
        changed=bool(gone or authorities) or after != before,
        removed=[str(file) for file in [*gone, *authorities]],
        diff={
            "before_header": str(path),
            "after_header": str(path),
            "before": render(masked(before)) if before else "",
            "after": render(masked(after)) if after else "",
        },
    )


if __name__ == "__main__":
    main()
