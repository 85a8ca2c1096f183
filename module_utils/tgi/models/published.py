"""What the checks must know of the models that a gateway publishes."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from ..common.places import DEFAULT_BASE_PORT
from .resolve import resolve_models

_KEYS = ("revision", "port", "options")


def published_models(
    backends: Any,
    hosts: Iterable[str],
    hostvars: Mapping[str, Mapping[str, Any]],
    deployed_only: bool = False,
) -> list[dict[str, Any]]:
    """Give name, model_id and aliases of each backend, and what its hosts declare of it.

    ``backends`` is gateway_backends. Revision (str), port (int) and options (dict) are those of
    the first of ``hosts`` that serves the model, and left out when none does. With
    ``deployed_only`` a model that none of them has deployed yet is passed over.
    """
    declared: dict[tuple[str, str], dict[str, Any]] = {}
    deployed: set[str] = set()
    for host in hosts:
        values = hostvars[host]
        facts = (values.get("ansible_facts") or {}).get("tgi_host") or {}
        base = values.get("tgi_base_port", DEFAULT_BASE_PORT)
        for model in resolve_models(values.get("tgi_models"), base, facts.get("kept")):
            known = {key: model[key] for key in _KEYS if model[key] is not None}
            declared.setdefault((model["name"], model["model_id"]), known)
        deployed.update(facts.get("deployed") or [])
    return [
        {
            "name": backend["name"],
            "model_id": backend["model_id"],
            "aliases": list(backend.get("aliases") or []),
            **declared.get((backend["name"], backend["model_id"]), {}),
        }
        for backend in backends or []
        if not deployed_only or backend["name"] in deployed
    ]
