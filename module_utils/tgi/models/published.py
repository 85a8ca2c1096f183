"""Describe the models that a gateway publishes, for the checks."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from .replicas import facts_of, models_of

_KEYS = ("revision", "port", "options")


def published_models(
    backends: Any,
    hosts: Iterable[str],
    hostvars: Mapping[str, Mapping[str, Any]],
    deployed_only: bool = False,
) -> list[dict[str, Any]]:
    """Return name, model_id and aliases of each backend, and what its hosts declare.

    ``backends`` is gateway_backends. Revision (str), port (int) and options (dict) are those of
    the first of ``hosts`` that serves the model; they are left out when none does. With
    ``deployed_only``, models that none of the hosts has deployed yet are left out.
    """
    declared: dict[tuple[str, str], dict[str, Any]] = {}
    deployed: set[str] = set()
    for host in hosts:
        values = hostvars[host]
        for model in models_of(values):
            known = {key: model[key] for key in _KEYS if model[key] is not None}
            declared.setdefault((model["name"], model["model_id"]), known)
        deployed.update(facts_of(values).get("deployed") or [])
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
