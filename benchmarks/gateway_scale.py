"""A large site for the gateway's role: 500 consumers and 50 models, and how long it renders."""

from __future__ import annotations

import secrets
import time
from pathlib import Path
from typing import Any

from ansible.inventory.manager import InventoryManager
from ansible.parsing.dataloader import DataLoader
from ansible.plugins.loader import filter_loader, init_plugin_loader
from ansible.template import Templar
from ansible.utils.collection_loader import AnsibleCollectionConfig
from ansible.vars.manager import VariableManager

ROOT = Path(__file__).resolve().parents[1]
ROLE = ROOT / "roles" / "gateway"


def large_site(consumers: int = 500, models: int = 50) -> dict[str, Any]:
    """Variables of the role: three tiers, a key for each consumer, two replicas of each model."""
    tiers = ["small", "middle", "large"]
    limits = {"requests_per_second": 10, "burst": 20, "concurrent": 8}
    return {
        "gateway_tiers": dict.fromkeys(tiers, limits),
        "gateway_consumers": [
            {"name": f"c{i}", "tier": tiers[i % 3], "keys": [secrets.token_urlsafe(32)]}
            for i in range(consumers)
        ],
        "gateway_backends": [
            {
                "name": f"m{i}",
                "model_id": f"acme/m{i}",
                "aliases": [f"alias-{i}"],
                "replicas": [
                    {"name": name, "address": f"127.0.0.1:{port + i}"}
                    for name, port in (("one", 20000), ("two", 21000))
                ],
            }
            for i in range(models)
        ],
    }


def variables_of(inventory: str, host: str, more: dict[str, Any]) -> Templar:
    """A templar that knows the role's variables for a host, as a play would."""
    if AnsibleCollectionConfig.collection_finder is None:
        init_plugin_loader([])
    filter_loader.add_directory(str(ROOT / "plugins" / "filter"))
    loader = DataLoader()
    loader.set_basedir(str(ROLE))
    found: dict[str, Any] = {}
    for part in ("defaults", "vars"):
        path = str(ROLE / part / "main.yml")
        found.update(loader.load_from_file(path, trusted_as_template=True))
    hosts = InventoryManager(loader=loader, sources=[inventory])
    manager = VariableManager(loader=loader, inventory=hosts)
    found.update(manager.get_vars(host=hosts.get_host(host)))
    found.update(more)
    found.update(ansible_managed="Ansible managed", role_path=str(ROLE))
    found.update(ansible_search_path=[str(ROLE)], inventory_hostname=host)
    return Templar(loader=loader, variables=found)


def render_seconds(inventory: str, host: str, site: dict[str, Any], nginx: dict[str, Any]) -> float:
    """Seconds from variables to every file of the configuration, secret ones too."""
    templar = variables_of(inventory, host, {**site, "__gateway_nginx": nginx})
    began = time.perf_counter()
    files = templar.template(templar.available_variables["__gateway_files"])
    hidden = templar.template(templar.available_variables["__gateway_secret_files"])
    took = time.perf_counter() - began
    if "model_m49" not in files["nginx.conf"] or "c499" not in hidden["keys.json"]:
        raise ValueError("the large site was not rendered")
    return took
