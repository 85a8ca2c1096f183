#!/usr/bin/python
"""Let only the gateways reach the models, by their published ports or their containers."""

from __future__ import annotations

DOCUMENTATION = r"""
module: tgi_firewall
short_description: Let only the gateways reach the models
description:
  - Drops packets from other sources to the ports of an address, in DOCKER-USER and INPUT. Packets
    from the host itself and on loopback pass.
  - Also drops what neighbours send to port 80 of a model's container, which Docker before 28 lets
    through, and refuses what models may not connect to, O(egress).
  - Without an address and with O(egress=open), Docker 28 or later needs no rules, so none exist.
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
  egress:
    description: What models may connect to. V(no_metadata) is all but clouds' credentials.
    type: str
    choices: [open, no_metadata, none]
    default: open
  egress_allowed:
    description: IPv4 addresses and networks that models may connect to in any case.
    type: list
    elements: str
    default: []
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
from ansible.module_utils.tgi.host import firewall as fence


class Firewall:
    """The firewall rules of one host."""

    def __init__(self, module: AnsibleModule) -> None:
        self.module = module
        self.directory = Path(module.params["directory"])
        self.unit = Path(module.params["unit"])
        self.before = "".join(read(self.directory / name) for name in fence.TOOLS.values())
        self.did: list[str] = []

    def needed(self) -> bool:
        """Return whether the rules should exist."""
        if self.module.params["state"] == "absent":
            return False
        if self.module.params["address"] or self.module.params["egress"] != "open":
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
        address, tool = params["address"], fence.tool_of(params["address"])
        kept = [one for one in fence.doors_of(self.before) if fence.tool_of(one[0]) == tool]
        doors = [(address, port) for port in params["ports"]] + (kept if params["keep"] else [])
        leaving = params["egress"], params["egress_allowed"]
        wanted = fence.files(str(self.directory), address, doors, params["sources"] or [], *leaving)
        used = {tool: wanted[name] for tool, name in fence.TOOLS.items() if name in wanted}
        unit = fence.UNIT.format(directory=self.directory)
        written = [self.write(self.directory / name, text) for name, text in wanted.items()]
        written += [self.delete(name) for name in fence.TOOLS.values() if name not in wanted]
        fresh = self.write(self.unit, unit)
        stands = all(self.stands(tool, rules) for tool, rules in used.items())
        active = self.run("systemctl", "is-active", "--quiet", self.unit.name)[0] == 0
        enabled = self.run("systemctl", "is-enabled", "--quiet", self.unit.name)[0] == 0
        if any(written) or fresh or not (stands and active and enabled):
            self.did.append("put the rules in force")
            if not self.module.check_mode:
                self.take_down([one for one in fence.TOOLS if one not in used])
                if fresh:
                    self.must("systemctl", "daemon-reload")
                if fresh or not enabled:
                    self.must("systemctl", "reenable", "--quiet", self.unit.name)
                self.must("systemctl", "restart", self.unit.name)
        return "".join(used.values())

    def stands(self, tool: str, rules: str) -> bool:
        """Return whether rules are in force."""
        entries = [self.rules_of(tool, entry) for entry in fence.ENTRIES]
        return fence.in_force(rules, self.rules_of(tool, fence.CHAIN), entries)

    def delete(self, name: str) -> bool:
        """Delete a file of the directory if it exists; return whether it did."""
        path = self.directory / name
        if not path.exists():
            return False
        self.did.append(f"removed {path}")
        if not self.module.check_mode:
            path.unlink()
        return True

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
            if not self.rules_of(tool, fence.CHAIN):
                continue
            self.did.append(f"removed the rules of {tool}")
            if self.module.check_mode:
                continue
            for entry in fence.ENTRIES:
                while self.run(tool, "-w", "-D", entry, "-j", fence.CHAIN)[0] == 0:
                    pass
            self.must(tool, "-w", "-F", fence.CHAIN)
            self.must(tool, "-w", "-X", fence.CHAIN)

    def remove(self) -> str:
        """Remove the unit, the fence.files and the rules."""
        if self.unit.exists():
            self.did.append(f"removed {self.unit}")
            if not self.module.check_mode:
                self.must("systemctl", "disable", "--quiet", "--now", self.unit.name)
                self.unit.unlink()
                self.must("systemctl", "daemon-reload")
        for name in (*fence.TOOLS.values(), "up"):
            self.delete(name)
        with contextlib.suppress(OSError):  # It is missing, or contains other fence.files
            if not self.module.check_mode:
                self.directory.rmdir()
        self.take_down(list(fence.TOOLS))
        return ""


def main() -> None:
    """Run as an Ansible module."""
    options: dict[str, Any] = {
        "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
        "address": {"type": "str", "default": ""},
        "ports": {"type": "list", "elements": "int", "default": []},
        "sources": {"type": "list", "elements": "str"},
        "egress": {"type": "str", "choices": list(fence.EGRESS), "default": "open"},
        "egress_allowed": {"type": "list", "elements": "str", "default": []},
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
    except (fence.FirewallError, ValueError, OSError) as error:
        module.fail_json(msg=in_words(error))
    headers = dict.fromkeys(("before_header", "after_header"), str(firewall.directory / "rules"))
    diff = {"before": firewall.before, "after": after, **headers}
    module.exit_json(changed=bool(firewall.did), did=firewall.did, diff=diff)


if __name__ == "__main__":
    main()
