"""Read how a client reaches a deployed host: names, ports, keys and the CA's certificate."""

from __future__ import annotations

import ssl
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest
from ansible.inventory.manager import InventoryManager
from ansible.parsing.dataloader import DataLoader
from ansible.template import Templar
from ansible.vars.manager import VariableManager

from tests.support.live.named_client import NamedClient
from tests.support.roots import ROOT


@dataclass(frozen=True)
class Endpoint:
    """One gateway as its clients reach it."""

    host: str
    server_name: str
    https_port: int
    http_port: int
    state: Path

    @property
    def key(self) -> str:
        return (self.state / "secrets" / "api_key").read_text()

    def client(self, key: str | None = None, **options: Any) -> httpx.Client:
        """Return a client that trusts the private CA alone and asks loopback under the real
        name.
        """
        context = ssl.create_default_context(cafile=str(self.state / "ca" / "ca.crt"))
        headers = {"Host": f"{self.server_name}:{self.https_port}"}
        if key is not None:
            headers["Authorization"] = f"Bearer {key}"
        return NamedClient(
            self.server_name,
            base_url=f"https://127.0.0.1:{self.https_port}",
            headers=headers,
            verify=context,
            trust_env=False,
            timeout=60,
            **options,
        )


def inventory_path(config: pytest.Config) -> str:
    """Return the inventory given as --ansible-inventory, else the sandbox's."""
    return config.getoption("--ansible-inventory") or str(ROOT / "inventories" / "sandbox")


def load_endpoints(inventory: str) -> list[Endpoint]:
    """Return the gateways of an inventory, with their variables templated as a play would."""
    loader = DataLoader()
    hosts = InventoryManager(loader=loader, sources=[inventory])
    variables = VariableManager(loader=loader, inventory=hosts)
    found = []
    for host in hosts.get_hosts("gateways"):
        values = variables.get_vars(host=host)
        value = Templar(loader=loader, variables=values).template
        found.append(
            Endpoint(
                host=host.name,
                server_name=value(values["gateway_server_name"]),
                https_port=int(value(values["gateway_https_port"])),
                http_port=int(value(values["gateway_http_port"])),
                state=Path(value(values["hosts_state_dir"])),
            )
        )
    return found
