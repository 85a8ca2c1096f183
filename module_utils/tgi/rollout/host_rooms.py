"""Collect from facts and variables what each host has to spare for a new set beside an old one."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from ..common.places import DEFAULT_BASE_PORT
from ..models.replicas import facts_of, left_out, models_of
from .blue_green import AUTO, HostRoom


def rooms_of(
    changes: Mapping[str, Sequence[Mapping[str, Any]]],
    hostvars: Mapping[str, Mapping[str, Any]],
    gateways: Sequence[str],
    publishes: bool,
) -> dict[str, HostRoom]:
    """Return host -> its room, for the hosts of ``changes``."""
    obstacle = _obstacle(hostvars, gateways, publishes)
    found = {}
    for host, its in changes.items():
        values, facts = hostvars[host], facts_of(hostvars[host])
        models = models_of(values)
        found[host] = HostRoom(
            models=models,
            changes=its,
            gpus=facts.get("gpus") or [],
            cdi=facts.get("cdi") or [],
            room=(values.get("ansible_facts") or {}).get("tgi_room") or {},
            base_port=int(values.get("tgi_base_port") or DEFAULT_BASE_PORT),
            wishes={model["name"]: _wish(model, values) for model in models},
            obstacle=obstacle,
            published={
                model["name"]: _ports(f"{model['name']}@{host}", hostvars, gateways)
                for model in models
            },
        )
    return found


def _wish(model: Mapping[str, Any], values: Mapping[str, Any]) -> str:
    return str(model.get("strategy") or values.get("tgi_strategy") or AUTO)


def _obstacle(
    hostvars: Mapping[str, Mapping[str, Any]], gateways: Sequence[str], publishes: bool
) -> str:
    """Return why gateways would go on sending requests to the address before, or ""."""
    if not gateways:
        return "no gateway would publish its new address"
    if not publishes:
        return "with these tags no gateway would publish its new address"
    for gateway in gateways:
        values = hostvars[gateway]
        if left_out(values):
            return f"{gateway} cannot be reached, and would keep its address"
        if not facts_of(values):
            return f"{gateway} is not in this run, and would keep its address"
        if "gateway_backends" in values:
            return f"gateway_backends of {gateway} is written by hand"
    return ""


def _ports(
    replica: str, hostvars: Mapping[str, Mapping[str, Any]], gateways: Iterable[str]
) -> set[int]:
    """Return the ports at which gateways publish a replica (model@host)."""
    found = set()
    for gateway in gateways:
        published = facts_of(hostvars[gateway]).get("published") or {}
        port = str(published.get(replica, "")).rpartition(":")[2]
        found |= {int(port)} if port.isdigit() else set()
    return found
