#!/usr/bin/python
"""Let only the gateways reach the models, by their published ports or their containers."""

from __future__ import annotations

DOCUMENTATION = r"""
module: tgi_firewall
short_description: Let only the gateways reach the models
description:
  - Drops packets from other sources to the ports of an address, in DOCKER-USER and INPUT. Packets
    from the host itself and on loopback pass.
  - Also drops what neighbours send to port 80 of a container's own address, which Docker before
    28 lets through. Without an address, that is all, and with Docker 28 or later no rules exist.
  - A systemd unit loads the rules before Docker starts, so that no port is open during a boot. All
    rules change in one transaction. Rules that were flushed are loaded again.
options:
  state:
    description: Whether the rules that the host needs should exist.
    type: str
    choices: [present, absent]
    default: present
  address:
    description: Address that the models are published on besides loopback.
    type: str
    default: ''
  ports:
    description: The models' ports.
    type: list
    elements: int
    default: []
  sources:
    description: Addresses and networks that may reach the ports. Required with O(address).
    type: list
    elements: str
  keep:
    description: Also keep the ports of the previous rules closed, while models still use them.
    type: bool
    default: false
  directory:
    description: Directory of the rules.
    type: path
    default: /etc/tgi-fence
  unit:
    description: Path of the unit that loads the rules.
    type: path
    default: /etc/systemd/system/tgi-fence.service
attributes:
  check_mode:
    support: full
    description: Changes nothing. On a host without iptables, reports that it would add the rules.
  diff_mode:
    support: full
    description: Shows the rules before and after.
author: tgi-ansible
"""

EXAMPLES = r"""
- name: Allow two gateways
  tgi_firewall:
    address: 10.0.0.5
    ports: [8081, 8082]
    sources: [10.0.0.9, 10.0.0.10]
"""

RETURN = r"""
did:
  description: Sentences that say what was, or would be, done.
  type: list
  elements: str
  returned: success
"""

import contextlib
from pathlib import Path
from typing import Any

from ansible.module_utils.basic import AnsibleModule
from ansible.module_utils.tgi.common.commands import ask
from ansible.module_utils.tgi.common.file_system import in_words
from ansible.module_utils.tgi.common.files import read, write
from ansible.module_utils.tgi.common.places import FIREWALL_DIRECTORY, FIREWALL_UNIT
from ansible.module_utils.tgi.docker.direct_access import lets_neighbours_in
from ansible.module_utils.tgi.host.firewall import (
    CHAIN,
    ENTRIES,
    UNIT,
    FirewallError,
    doors_of,
    files,
    in_force,
    tool_of,
)

TOOLS = ("iptables", "ip6tables")


class Firewall:
    """The firewall rules of one host."""

    def __init__(self, module: AnsibleModule) -> None:
        self.module = module
        self.directory = Path(module.params["directory"])
        self.unit = Path(module.params["unit"])
        self.before = read(self.directory / "rules")
        self.did: list[str] = []

    def needed(self) -> bool:
        """Return whether the rules should exist."""
        if self.module.params["state"] == "absent":
            return False
        if self.module.params["address"]:
            return True
        lets_in = lets_neighbours_in(ask)
        # Without an engine that answers, what stands may be needed
        return bool(self.unit.exists() if lets_in is None else lets_in)

    def run(self, *command: str) -> tuple[int, str]:
        """Return the exit code (127: missing program) and the output."""
        path = self.module.get_bin_path(command[0])
        if path is None:
            return 127, f"{command[0]} is not installed; the role docker installs it"
        code, out, err = self.module.run_command([path, *command[1:]])
        return code, out if code == 0 else err or out

    def must(self, *command: str) -> None:
        """Run a command, and fail the module if it fails."""
        code, said = self.run(*command)
        if code:
            self.module.fail_json(msg=f"no firewall: {' '.join(command)} failed: {said.strip()}")

    def rules_of(self, tool: str, chain: str) -> str:
        """Return the rules of a chain in the kernel; "" if there is no such chain."""
        code, said = self.run(tool, "-w", "-S", chain)
        return said if code == 0 else ""

    def put_up(self) -> str:
        """Write the rules and load them if needed; return their text."""
        params = self.module.params
        address = params["address"]
        tool = tool_of(address)
        kept = [one for one in doors_of(self.before) if tool_of(one[0]) == tool]
        doors = [(address, port) for port in params["ports"]] + (kept if params["keep"] else [])
        wanted = files(str(self.directory), address, doors, params["sources"] or [])
        unit = UNIT.format(directory=self.directory)
        written = [self.write(self.directory / name, text) for name, text in wanted.items()]
        fresh = self.write(self.unit, unit)
        entries = [self.rules_of(tool, entry) for entry in ENTRIES]
        stands = in_force(wanted["rules"], self.rules_of(tool, CHAIN), entries)
        active = self.run("systemctl", "is-active", "--quiet", self.unit.name)[0] == 0
        enabled = self.run("systemctl", "is-enabled", "--quiet", self.unit.name)[0] == 0
        if any(written) or fresh or not (stands and active and enabled):
            self.did.append("put the rules in force")
            if not self.module.check_mode:
                self.take_down([one for one in TOOLS if one != tool])
                if fresh:
                    self.must("systemctl", "daemon-reload")
                if fresh or not enabled:
                    self.must("systemctl", "reenable", "--quiet", self.unit.name)
                self.must("systemctl", "restart", self.unit.name)
        return wanted["rules"]

    def write(self, path: Path, text: str) -> bool:
        """Write a file if it differs; return whether it did."""
        if read(path) == text:
            return False
        self.did.append(f"wrote {path}")
        if not self.module.check_mode:
            path.parent.mkdir(mode=0o755, parents=True, exist_ok=True)
            write(path, text.encode(), 0o755 if path.name == "up" else 0o644)
        return True

    def take_down(self, tools: list[str]) -> None:
        """Remove the rules from the kernel."""
        for tool in tools:
            if not self.rules_of(tool, CHAIN):
                continue
            self.did.append(f"removed the rules of {tool}")
            if self.module.check_mode:
                continue
            for entry in ENTRIES:
                while self.run(tool, "-w", "-D", entry, "-j", CHAIN)[0] == 0:
                    pass
            self.must(tool, "-w", "-F", CHAIN)
            self.must(tool, "-w", "-X", CHAIN)

    def remove(self) -> str:
        """Remove the unit, the files and the rules."""
        if self.unit.exists():
            self.did.append(f"removed {self.unit}")
            if not self.module.check_mode:
                self.must("systemctl", "disable", "--quiet", "--now", self.unit.name)
                self.unit.unlink()
                self.must("systemctl", "daemon-reload")
        for name in ("rules", "up"):
            path = self.directory / name
            if path.exists():
                self.did.append(f"removed {path}")
                if not self.module.check_mode:
                    path.unlink()
        with contextlib.suppress(OSError):  # It is missing, or contains other files
            if not self.module.check_mode:
                self.directory.rmdir()
        self.take_down(list(TOOLS))
        return ""


def main() -> None:
    """Run as an Ansible module."""
    options: dict[str, Any] = {
        "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
        "address": {"type": "str", "default": ""},
        "ports": {"type": "list", "elements": "int", "default": []},
        "sources": {"type": "list", "elements": "str"},
        "keep": {"type": "bool", "default": False},
        "directory": {"type": "path", "default": FIREWALL_DIRECTORY},
        "unit": {"type": "path", "default": FIREWALL_UNIT},
    }
    module = AnsibleModule(options, supports_check_mode=True)
    if module.params["address"] and module.params["sources"] is None:
        module.fail_json(msg="address needs sources: write who may reach it")
    firewall = Firewall(module)
    try:
        after = firewall.put_up() if firewall.needed() else firewall.remove()
    except (FirewallError, ValueError, OSError) as error:
        module.fail_json(msg=in_words(error))
    header = str(firewall.directory / "rules")
    texts = {"before": firewall.before, "after": after}
    diff = {**texts, "before_header": header, "after_header": header}
    module.exit_json(changed=bool(firewall.did), did=firewall.did, diff=diff)


if __name__ == "__main__":
    main()
