"""Compute which models the diagnosis asks for no chat and no tools: the catalogue knows some."""

from __future__ import annotations

from typing import Any

from ansible.parsing.dataloader import DataLoader
from ansible.plugins.loader import filter_loader, init_plugin_loader
from ansible.template import Templar
from ansible.utils.collection_loader import AnsibleCollectionConfig

from tests.support.roots import ROOT

OWN: dict[str, Any] = {
    "id": "acme/own",
    "revision": None,
    "licence": {"name": None, "gated": False},
    "tgi": {"level": "native"},
    "config": None,
    "weights": {"format": "safetensors"},
    "chat": {"template": False, "tools": False},
}
MODELS = [{"name": "starcoder2-15b"}, {"name": "chat", "model": "zephyr-7b"}, {"name": "own"}]
HOSTS: dict[str, dict[str, Any]] = {
    "gpu1": {"tgi_models": MODELS, "tgi_catalogue": {"own": OWN}},
    "gpu2": {"tgi_models": [{"name": "house", "model_id": "acme/house"}]},
    "gpu3": {},
}


def value(name: str, **more: Any) -> Any:
    """Return a variable of the role, evaluated as in a play."""
    if AnsibleCollectionConfig.collection_finder is None:
        init_plugin_loader([])
    filter_loader.add_directory(str(ROOT / "plugins" / "filter"))
    loader = DataLoader()
    path = str(ROOT / "roles" / "diagnose" / "vars" / "main.yml")
    variables = dict(loader.load_from_file(path, trusted_as_template=True))
    variables.update({"groups": {"gpu_hosts": list(HOSTS)}, "hostvars": HOSTS, **more})
    return Templar(loader, variables=variables).template(variables[name])


def test_models_without_a_chat_template() -> None:
    assert set(value("__diagnose_without_chat")) == {"starcoder2-15b", "own"}
    named = value("__diagnose_without_chat", checks_without_chat=["house"])
    assert set(named) == {"starcoder2-15b", "own", "house"}


def test_models_without_tools() -> None:
    assert set(value("__diagnose_without_tools")) == {"starcoder2-15b", "own", "chat"}


def test_an_inventory_without_hosts() -> None:
    assert value("__diagnose_without_chat", groups={}) == []
