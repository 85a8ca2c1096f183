"""Describe the models that a gateway publishes, for the checks."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from typing import Any

from .replicas import facts_of, left_out, models_of

_KEYS = ("revision", "port", "options")
#: Options that clients notice
_LIMITS = ("max_input_tokens", "max_total_tokens")


def published_models(
    backends: Any,
    hosts: Iterable[str],
    hostvars: Mapping[str, Mapping[str, Any]],
    deployed_only: bool = False,
) -> list[dict[str, Any]]:
    """Return name, model_id and aliases of each backend, and what its hosts declare.

    ``backends`` is gateway_backends. Revision (str), port (int) and options (dict) are those of
    the first of ``hosts`` that serves the model; they are left out when none does. With
    ``deployed_only``, models that none of the hosts has deployed yet are left out, and always those
    that only hosts serve which the preflight could not reach. Replicas names
    these hosts, absent those of them that are not in this run while others are, and unlike says
    how the limits that the hosts declare differ.
    """
    declared: dict[tuple[str, str], dict[str, Any]] = {}
    deployed: set[str] = set()
    serving: dict[tuple[str, str], dict[str, Mapping[str, Any]]] = {}
    names = list(hosts)
    off = {host for host in names if left_out(hostvars[host])}
    here = [host for host in names if "models" in facts_of(hostvars[host])]
    for host in names:
        values = hostvars[host]
        for model in models_of(values):
            identity = (model["name"], model["model_id"])
            serving.setdefault(identity, {})[host] = model["options"]
            known = {key: model[key] for key in _KEYS if model[key] is not None}
            declared.setdefault(identity, known)
        deployed.update(facts_of(values).get("deployed") or [])
    return [
        {
            "name": backend["name"],
            "model_id": backend["model_id"],
            "aliases": list(backend.get("aliases") or []),
            **declared.get((backend["name"], backend["model_id"]), {}),
            **_replicas(its, here),
        }
        for backend in backends or []
        for its in [serving.get((backend["name"], backend["model_id"]), {})]
        if not deployed_only or backend["name"] in deployed
        if not its or its.keys() - off
    ]


def _replicas(options: Mapping[str, Mapping[str, Any]], here: Collection[str]) -> dict[str, Any]:
    """Return what a check needs to blame a host; nothing for a model of no host."""
    if not options:
        return {}
    absent = [host for host in options if here and host not in here]
    found: dict[str, Any] = {"replicas": list(options), "absent": absent}
    differ = [name for name in _LIMITS if len({str(one.get(name)) for one in options.values()}) > 1]
    if differ:
        found["unlike"] = "; ".join(
            f"{name} is "
            + ", ".join(f"{one.get(name, 'not set')} on {host}" for host, one in options.items())
            for name in differ
        )
    return found
