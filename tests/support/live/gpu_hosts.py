"""Run commands and plays on one GPU host, and read its containers."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.support.playbook import ansible_playbook

INVENTORY = "molecule/gpu_hosts/inventory"
PLAYBOOK = "molecule/gpu_hosts/converge.yml"
#: The port of each model, in the order of the inventory
PORTS = {"scribe": 8081, "clerk": 8082}
#: Somebody's container, which was there before the roles
BYSTANDER = "bystander"
CONTAINERS = (BYSTANDER, *(f"tgi-{name}-tgi-1" for name in PORTS))


@dataclass(frozen=True)
class Machine:
    """One disposable host, which is a container with systemd."""

    name: str
    container: str

    def run(self, command: str, given: str = "") -> str:
        """Return what a shell command prints on the host; raise CalledProcessError."""
        return self.attempt(command, given, check=True).stdout

    def attempt(
        self, command: str, given: str = "", check: bool = False
    ) -> subprocess.CompletedProcess[str]:
        """Run a shell command on the host, however it ends."""
        call = ["docker", "exec", "-i", self.container, "bash", "-ec", command]
        return subprocess.run(
            call, check=check, capture_output=True, text=True, input=given, timeout=120
        )

    def json(self, command: str) -> Any:
        return json.loads(self.run(command))

    def alive(self, *names: str) -> dict[str, str]:
        """Return process and start of containers: they stay the same while none is touched."""
        form = "{{.Name}} {{.State.Pid}} {{.State.StartedAt}}"
        lines = self.run(f"docker inspect --format '{form}' {' '.join(names or CONTAINERS)}")
        return dict(line[1:].split(" ", 1) for line in lines.splitlines())

    def inspect(self, container: str) -> dict[str, Any]:
        found: dict[str, Any] = self.json(f"docker inspect {container}")[0]
        return found

    def answers(self, model: str) -> str:
        """Return what a model generates for one short question."""
        body = json.dumps({"inputs": "Name the capital of France.", "parameters": {}})
        call = f"""python3 -c 'import sys, urllib.request as u
print(u.urlopen(u.Request("http://127.0.0.1:{PORTS[model]}/generate", sys.stdin.buffer.read(),
    {{"Content-Type": "application/json"}}), timeout=30).read().decode())'"""
        return str(json.loads(self.run(call, body))["generated_text"])

    def versions(self, *packages: str) -> dict[str, str]:
        form = "${Package} ${Version}\\n"
        lines = self.run(f"dpkg-query --show --showformat '{form}' {' '.join(packages)}")
        return dict(line.split(" ", 1) for line in lines.splitlines())


@dataclass
class Played:
    """The result of a run, by host."""

    code: int
    text: str
    changed: dict[str, int] = field(default_factory=dict)
    #: Why a host failed, in one line; a failure that was rescued has gone
    failures: dict[str, str] = field(default_factory=dict)
    #: Names of the tasks that changed something
    changes: dict[str, list[str]] = field(default_factory=dict)

    def passed(self) -> Played:
        """Fail unless the run had no failures."""
        assert self.code == 0, self.failures or self.text[-3000:]
        return self

    def refused(self, machine: Machine, *words: str) -> str:
        """Fail unless a host was refused with these words before any change."""
        said = self.failures.get(machine.name, "")
        assert said, self.text[-3000:]
        assert self.changes.get(machine.name, []) == [], said
        missing = [word for word in words if word not in said]
        assert missing == [], said
        return said


Play = Callable[..., Played]


def play(
    *options: str, inventory: str = INVENTORY, playbook: str = PLAYBOOK, **variables: Any
) -> Played:
    """Run the roles again, with other values of their variables."""
    done = ansible_playbook(
        "-i", inventory, playbook, *options, "-e", json.dumps(variables),
        ANSIBLE_STDOUT_CALLBACK="ansible.posix.jsonl",
    )  # fmt: skip
    return read_events(done.returncode, done.stdout + done.stderr)


def read_events(code: int, text: str) -> Played:
    """Sum up what the callback ansible.posix.jsonl printed."""
    played, failed = Played(code, text), set()
    for line in text.splitlines():
        if not line.startswith("{"):
            continue
        event = json.loads(line)
        if event.get("_event") == "v2_playbook_on_stats":
            for host, counts in event["stats"].items():
                played.changed[host] = counts["changed"]
                if counts["failures"] or counts["unreachable"]:
                    failed.add(host)
        for host, result in event.get("hosts", {}).items():
            if event["_event"] in ("v2_runner_on_failed", "v2_runner_on_unreachable"):
                played.failures[host] = " ".join(str(result.get("msg", result)).split())
            if result.get("changed") and event["_event"] == "v2_runner_on_ok":
                played.changes.setdefault(host, []).append(event["task"]["name"])
    played.failures = {host: said for host, said in played.failures.items() if host in failed}
    return played


def inventory_of(config: pytest.Config) -> str:
    """Return the inventory of this test run, else the scenario's own."""
    return str(config.getoption("--ansible-inventory") or INVENTORY)


def load_machines(inventory: str) -> list[Machine]:
    """Return the GPU hosts of an inventory."""
    groups = yaml.safe_load((Path(inventory) / "hosts.yml").read_text())["all"]["children"]
    prefix = f"tgi-{groups['disposable']['vars']['hosts_name']}"
    return [Machine(name, f"{prefix}-{name}") for name in groups["gpu_hosts"]["hosts"]]
