#!/usr/bin/python
"""Hold packages at their version, so that no upgrade of the host changes them."""

from __future__ import annotations

DOCUMENTATION = r"""
module: held_packages
short_description: Hold packages, or release them
description:
  - With apt, holds the installed packages, or releases them.
  - With dnf, writes a block of the versionlock file. Held packages get their installed version, the
    others the version asked for. Other locks of these packages are removed; exclusions stay.
  - apt loses a hold when the package is changed on purpose, so run this module after that.
options:
  name:
    description: Name of the block in the versionlock file.
    type: str
    required: true
  manager:
    description: The host's package manager.
    type: str
    choices: [apt, dnf]
    required: true
  packages:
    description: Versions by package, with V(*) as wildcard; an empty version accepts any.
    type: dict
    required: true
  hold:
    description: Whether to hold the packages.
    type: bool
    default: true
attributes:
  check_mode:
    support: full
  diff_mode:
    support: partial
    description: Shows the versionlock file.
author: tgi-ansible
"""

EXAMPLES = r"""
- name: Hold Docker
  held_packages:
    name: docker
    manager: apt
    packages: {docker-ce: "5:29.*", containerd.io: "2.*"}
"""

RETURN = r"""
marked:
  description: Packages whose hold changed (apt), or the lines of the block (dnf).
  returned: success
  type: list
  elements: str
"""

from pathlib import Path

from ansible.module_utils.basic import AnsibleModule
from ansible.module_utils.tgi.common.file_system import failing_in_words
from ansible.module_utils.tgi.common.files import write
from ansible.module_utils.tgi.packages.holds import LOCKS, ask, locks, locks_text, to_mark


def mark(module: AnsibleModule, packages: list[str], hold: bool) -> None:
    """Let apt hold the packages, or release them."""
    word = "hold" if hold else "unhold"
    program = module.get_bin_path("apt-mark", required=True)
    code, out, err = module.run_command([program, word, *packages])
    if code:
        module.fail_json(msg=f"apt-mark {word} failed: {(err or out).strip()}")


def replace(module: AnsibleModule, path: Path, text: str) -> None:
    """Write the versionlock file; fail if its plugin is not installed."""
    if not path.parent.is_dir():
        module.fail_json(
            msg=f"{path.parent} does not exist; install python3-dnf-plugin-versionlock first"
        )
    with failing_in_words(module.fail_json):
        write(path, text.encode())


def main() -> None:
    module = AnsibleModule(
        argument_spec={
            "name": {"type": "str", "required": True},
            "manager": {"type": "str", "choices": ["apt", "dnf"], "required": True},
            "packages": {"type": "dict", "required": True},
            "hold": {"type": "bool", "default": True},
        },
        supports_check_mode=True,
    )
    hold, manager = module.params["hold"], module.params["manager"]
    packages = {name: str(version or "") for name, version in module.params["packages"].items()}
    try:
        there = ask(module.run_command, manager, list(packages))
    except ValueError as error:
        module.fail_json(msg=str(error))
    if manager == "apt":
        marked = to_mark(there, packages, hold)
        if marked and not module.check_mode:
            mark(module, marked, hold)
        module.exit_json(changed=bool(marked), marked=marked)
    path = Path(LOCKS)
    before = path.read_text() if path.exists() else ""
    lines = locks(there.versions, packages, hold)
    after = locks_text(before, module.params["name"], packages, lines)
    if after != before and not module.check_mode:
        replace(module, path, after)
    headers = {"before_header": str(path), "after_header": str(path)}
    diff = {**headers, "before": before, "after": after}
    module.exit_json(changed=after != before, marked=lines, diff=diff)


if __name__ == "__main__":
    main()
