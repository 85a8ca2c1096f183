#!/usr/bin/python
"""Start the models again whenever Docker starts."""

from __future__ import annotations

DOCUMENTATION = r"""
module: tgi_boot_units
short_description: Start the models again whenever Docker starts
description:
  - Docker 25.0 to 28.1 does not start containers with GPUs when the daemon starts. No version
    starts containers whose GPU the CDI specification does not name yet. C(tgi-models.service) runs
    after Docker and starts C(tgi@NAME.service) for each model, which starts its containers.
  - A new model needs no C(systemctl daemon-reload), which can take GPUs from containers that got
    them by NVIDIA's hook. Only a change of the units needs one. While such containers run, the
    change waits for the next boot.
options:
  state:
    description: Whether the units should exist.
    type: str
    choices: [present, absent]
    default: present
  forget:
    description: Name of a model that will be removed. Only stops its unit.
    type: str
  base_dir:
    description: Directory of the models' Compose projects.
    type: path
    default: /opt/tgi
  directory:
    description: Directory of the units.
    type: path
    default: /etc/systemd/system
attributes:
  check_mode:
    support: full
  diff_mode:
    support: full
    description: Shows the units before and after.
author: tgi-ansible
"""

EXAMPLES = r"""
- name: Start the models at each start of Docker
  tgi_boot_units:
    base_dir: /opt/tgi
"""

RETURN = r"""
did:
  description: Sentences that say what was, or would be, done.
  type: list
  elements: str
  returned: success
"""

from pathlib import Path

from ansible.module_utils.basic import AnsibleModule
from ansible.module_utils.tgi.common.file_system import failing_in_words
from ansible.module_utils.tgi.common.files import read, write
from ansible.module_utils.tgi.common.places import BASE_DIR, MARK
from ansible.module_utils.tgi.docker.containers import FORMAT, parse
from ansible.module_utils.tgi.host.boot_units import COLLECTOR, MODEL, link, units


class Boot:
    """The units of one host."""

    def __init__(self, module: AnsibleModule) -> None:
        self.module = module
        self.directory = Path(module.params["directory"])
        self.link = link(self.directory)
        self.did: list[str] = []

    def run(self, *command: str) -> str:
        """Run a command and return its output; "" if the program is missing."""
        path = self.module.get_bin_path(command[0])
        if path is None:
            return ""
        _code, out, _err = self.module.run_command([path, *command[1:]])
        return str(out)

    def put_up(self) -> None:
        """Write changed units, and let docker.service want the collector."""
        for name, text in units(self.module.params["base_dir"]).items():
            if read(self.directory / name) != text:
                self.did.append(f"wrote {self.directory / name}")
                if not self.module.check_mode:
                    write(self.directory / name, text.encode())
        if not self.link.exists():
            self.did.append(f"made {self.link}")
            if not self.module.check_mode:
                self.link.parent.mkdir(mode=0o755, parents=True, exist_ok=True)
                self.link.unlink(missing_ok=True)
                self.link.symlink_to(f"../{COLLECTOR}")

    def remove(self) -> None:
        """Remove the units, and stop those that still try to start a model."""
        ours = [self.directory / name for name in (COLLECTOR, MODEL)]
        gone = [path for path in ours if read(path).startswith(MARK)]
        gone += [self.link] if self.link.is_symlink() else []
        self.did += [f"removed {path}" for path in gone]
        if gone and not self.module.check_mode:
            self.quiet(COLLECTOR, "tgi@*.service")
            for path in gone:
                path.unlink()

    def forget(self, unit: str) -> None:
        """Stop a model's unit, so that it does not start a removed model."""
        state = self.run("systemctl", "show", "--property", "ActiveState", "--value", unit).strip()
        if state not in {"", "inactive"}:
            self.did.append(f"stopped {unit}, which was {state}")
            if not self.module.check_mode:
                self.quiet(unit)

    def quiet(self, *names: str) -> None:
        """Stop units and reset their failures."""
        self.run("systemctl", "stop", *names)
        self.run("systemctl", "reset-failed", *names)

    def reload(self) -> None:
        """Reload systemd, unless that could take a GPU from a container."""
        found = self.run("docker", "ps", "--quiet").split()
        said = self.run("docker", "inspect", "--format", FORMAT, *found) if found else ""
        held = [one.name for one in parse(said) if one.gpu == "hook"]
        if held:
            self.module.warn(
                f"{', '.join(held)} got a GPU by NVIDIA's hook and could lose it by a systemctl "
                f"daemon-reload, so the module ran none: {COLLECTOR} takes effect at the next boot"
            )
        else:
            self.run("systemctl", "daemon-reload")


def main() -> None:
    """Run as an Ansible module."""
    module = AnsibleModule(
        {
            "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
            "forget": {"type": "str"},
            "base_dir": {"type": "path", "default": BASE_DIR},
            "directory": {"type": "path", "default": "/etc/systemd/system"},
        },
        supports_check_mode=True,
    )
    boot = Boot(module)
    if module.params["forget"]:
        boot.forget(MODEL.replace("@", f"@{module.params['forget']}"))
        module.exit_json(changed=bool(boot.did), did=boot.did)
    names = (COLLECTOR, MODEL)
    before = {name: read(boot.directory / name) for name in names}
    wanted = module.params["state"] == "present"
    with failing_in_words(module.fail_json):
        if wanted:
            boot.put_up()
        else:
            boot.remove()
    if boot.did and not module.check_mode:
        boot.reload()
    after = units(module.params["base_dir"]) if wanted else dict.fromkeys(names, "")
    diff = [
        {
            "before_header": str(boot.directory / name),
            "after_header": str(boot.directory / name),
            "before": before[name],
            "after": after[name],
        }
        for name in names
    ]
    module.exit_json(changed=bool(boot.did), did=boot.did, diff=diff)


if __name__ == "__main__":
    main()
