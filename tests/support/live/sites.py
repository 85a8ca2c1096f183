"""Read what a test needs of one gateway: address, consumers' keys, engines' counters."""

from __future__ import annotations

import hashlib
import json
import ssl
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest
from ansible.inventory.manager import InventoryManager
from ansible.parsing.dataloader import DataLoader
from ansible.plugins.loader import init_plugin_loader
from ansible.template import Templar
from ansible.utils.collection_loader import AnsibleCollectionConfig
from ansible.vars.manager import VariableManager

from tests.support.live.named_client import NamedClient
from tests.support.playbook import ansible_playbook

INVENTORY = "molecule/gateway/inventory"
#: The consumer who may do four things at a time
CAPPED = "include"
ENGINES = {"one": 9001, "two": 9002, "three": 9003}
#: On each gateway, the settings that a test gave it; gone when it has those of the inventory
SETTINGS = "/run/gateway-test-settings"
#: For requests without TLS: a client reads all CAs of the system otherwise, which takes 20 ms
PLAIN: dict[str, Any] = {"trust_env": False, "timeout": 10, "verify": False}
_known: dict[str, str] = {}


@dataclass(frozen=True)
class Site:
    """One gateway of the scenario, reached at its container's own address."""

    host: str
    container: str
    address: str
    name: str
    inventory: str
    ca: Path
    keys: dict[str, list[str]]
    backends: list[dict[str, Any]]
    source: str = "distro"

    @property
    def prefix(self) -> str:
        """Return the beginning of the names of the scenario's containers."""
        return self.container.removesuffix(f"-{self.host}")

    @property
    def url(self) -> str:
        return f"https://{self.address}:443"

    def key(self, consumer: str) -> str:
        return self.keys[consumer][0]

    def context(self) -> ssl.SSLContext:
        return ssl.create_default_context(cafile=str(self.ca))

    def client(self, consumer: str | None = None, **options: Any) -> httpx.Client:
        """Return a client under the gateway's real name, with the first key of a consumer or
        none.
        """
        headers = {"Host": self.name, **options.pop("headers", {})}
        if consumer is not None:
            headers["Authorization"] = f"Bearer {self.key(consumer)}"
        settings = {"verify": self.context(), "trust_env": False, "timeout": 60, **options}
        return NamedClient(self.name, base_url=self.url, headers=headers, **settings)

    def engine(self, replica: str) -> dict[str, Any]:
        """Return what that engine has counted since :meth:`forget`."""
        url = f"http://{self.address}:{ENGINES[replica]}/_engine"
        report: dict[str, Any] = httpx.get(url, **PLAIN).json()
        return report

    def body(self, replica: str) -> bytes:
        """Return the last body that asked that engine for a generation."""
        url = f"http://{self.address}:{ENGINES[replica]}/_engine/body"
        return httpx.get(url, **PLAIN).content

    def seen(self) -> int:
        """Return how many requests reached any engine."""
        return sum(self.engine(replica)["total"] for replica in ENGINES)

    def forget(self) -> None:
        # The test before may have started one again a moment ago
        patient = httpx.HTTPTransport(retries=5, verify=False)
        with httpx.Client(transport=patient, trust_env=False, timeout=10) as client:
            for port in ENGINES.values():
                client.delete(f"http://{self.address}:{port}/_engine").raise_for_status()

    def run(self, command: str, given: str = "") -> str:
        """Run a shell command on the host; raise CalledProcessError."""
        call = ["docker", "exec", "-i", self.container, "sh", "-ec", command]
        done = subprocess.run(call, check=True, capture_output=True, text=True, input=given)
        return done.stdout

    def play(self, *options: str, **variables: Any) -> subprocess.CompletedProcess[str]:
        """Run the role again on this host, with other values of its variables."""
        words = ["-i", self.inventory, "molecule/gateway/converge.yml", "--limit", self.host]
        return ansible_playbook(*words, "-e", json.dumps(variables), *options)

    def settle(self, **variables: Any) -> Site:
        """Play the role with these variables, unless the gateway has these settings already.

        Without any, the gateway gets back those of the inventory.
        """
        text = json.dumps(variables, sort_keys=True).encode()
        wanted = hashlib.sha256(text).hexdigest() if variables else ""
        if self.container not in _known:
            _known[self.container] = self.run(f"cat {SETTINGS} 2>/dev/null || true")
        if _known[self.container] != wanted:
            _known[self.container] = "unknown"
            self.run(f"printf unknown > {SETTINGS}")
            done = self.play(**variables)
            assert done.returncode == 0, done.stdout
            self.run(f"printf %s {wanted} > {SETTINGS}; [ -s {SETTINGS} ] || rm {SETTINGS}")
            _known[self.container] = wanted
        return self


def inventory_of(config: pytest.Config) -> str:
    """Return the inventory of this test run, else the scenario's own."""
    return str(config.getoption("--ansible-inventory") or INVENTORY)


def load_sites(inventory: str) -> list[Site]:
    """Return the gateways of an inventory, with their variables templated as a play would."""
    if AnsibleCollectionConfig.collection_finder is None:
        init_plugin_loader([])
    loader = DataLoader()
    hosts = InventoryManager(loader=loader, sources=[str(inventory)])
    variables = VariableManager(loader=loader, inventory=hosts)
    found = []
    for host in hosts.get_hosts("gateways"):
        values = variables.get_vars(host=host)
        value = Templar(loader=loader, variables=values).template
        container = f"tgi-{value(values['hosts_name'])}-{host.name}"
        consumers = value(values["gateway_consumers"])
        found.append(
            Site(
                host=host.name,
                container=container,
                address=_address(container),
                name=value(values["gateway_server_name"]),
                inventory=str(inventory),
                ca=Path(value(values["hosts_state_dir"])) / "ca" / "ca.crt",
                keys={entry["name"]: _keys(entry) for entry in consumers},
                backends=value(values["gateway_backends"]),
                source=values.get("gateway_nginx_source", "distro"),
            )
        )
    return found


def _keys(entry: dict[str, Any]) -> list[str]:
    return [key["key"] if isinstance(key, dict) else key for key in entry["keys"]]


def _address(container: str) -> str:
    form = "{{range .NetworkSettings.Networks}}{{.IPAddress}}{{end}}"
    command = ["docker", "inspect", "--format", form, container]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()
