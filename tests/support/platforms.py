"""Evaluate a role's variables on each supported system, without a host of that system.

The facts in systems/*.json are what Ansible reads from these systems' own release files, with the
subsets that ansible.cfg gathers: a role that needs another fact fails here, too.
"""

from __future__ import annotations

import json
from typing import Any

from ansible.parsing.dataloader import DataLoader
from ansible.plugins.loader import filter_loader, init_plugin_loader
from ansible.template import Templar, trust_as_template
from ansible.utils.collection_loader import AnsibleCollectionConfig

from tests.support.roots import ROOT

PLATFORMS = sorted(path.stem for path in (ROOT / "tests/support/systems").glob("*.json"))
APT = [name for name in PLATFORMS if name.startswith(("debian", "ubuntu"))]
DNF = [name for name in PLATFORMS if name not in APT]
ARCHITECTURES = ("x86_64", "aarch64")


def recorded(platform: str) -> dict[str, Any]:
    """Return ``os_release`` and ``ansible_facts`` of a system."""
    path = ROOT / "tests/support/systems" / f"{platform}.json"
    found: dict[str, Any] = json.loads(path.read_text())
    return found


def variables(role: str, platform: str, **more: Any) -> dict[str, Any]:
    """Return the role's defaults and vars/main.yml on that system; ``more`` is what a user sets."""
    if AnsibleCollectionConfig.collection_finder is None:
        init_plugin_loader([])
    filter_loader.add_directory(str(ROOT / "plugins" / "filter"))
    values: dict[str, Any] = {
        "ansible_facts": recorded(platform)["ansible_facts"],
        "role_path": str(ROOT / "roles" / role),
    }
    loader = DataLoader()
    for part in ("defaults", "vars"):
        path = ROOT / "roles" / role / part / "main.yml"
        if path.exists():
            values.update(loader.load_from_file(str(path), trusted_as_template=True) or {})
        values.update(more if part == "defaults" else {})
    return values


def evaluate(text: str, values: dict[str, Any]) -> Any:
    """Return a template's result with these variables, such as ``{{ __docker_packages }}``."""
    return Templar(DataLoader(), variables=values).template(trust_as_template(text))


def value(role: str, platform: str, name: str, **more: Any) -> Any:
    """Return one variable of the role on that system."""
    return evaluate(f"{{{{ {name} }}}}", variables(role, platform, **more))
