"""What each consumer's clients need to know: models with their limits, and a key that lasts."""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping
from typing import Any

from ...common.problem import closest, problem
from ...models.model_rules import DEFAULT_ALIAS
from ...models.published import published_models
from ...models.replicas import models_of
from ..render.key_expiry import expires_at

#: What stands in a file for a key that was not asked for
NO_KEY = "PASTE_THE_KEY_HERE"
_LIMITS = ("requests_per_second", "burst", "concurrent", "tokens_per_minute")
_NEVER = float("inf")


def client_offers(
    consumers: Iterable[Mapping[str, Any]] | None,
    tiers: Mapping[str, Mapping[str, Any]] | None,
    only: str = "",
    with_keys: bool = False,
) -> list[dict[str, Any]]:
    """Return name, limits (0: none), key and its end of each enabled consumer, or of ``only``.

    The limits are those of its tier, and rpm is the rate in a minute. Keys are read only
    ``with_keys``. Raise ValueError for a consumer that does not exist, is disabled, or has no
    key to write.
    """
    listed = {str(one.get("name")): one for one in consumers or ()}
    if only and only not in listed:
        remedy = f"write {closest(only, listed) or ', '.join(listed) or 'the name of a consumer'}"
        raise ValueError(
            problem("clients_consumer", f"is {only}, which is not in gateway_consumers", remedy)
        )
    if only and listed[only].get("enabled") is False:
        raise ValueError(
            problem(
                "clients_consumer",
                f"is {only}, which is disabled",
                "enable it in gateway_consumers",
            )
        )
    names = (
        [only] if only else [name for name in listed if listed[name].get("enabled") is not False]
    )
    return [_offer(listed[name], tiers or {}, with_keys) for name in names]


def client_models(
    backends: Any, hosts: Iterable[str], hostvars: Mapping[str, Mapping[str, Any]]
) -> list[dict[str, Any]]:
    """Return the published models, the default one first.

    Each has name, aliases, context and input (tokens; 0: the inventory does not say), chat and
    tools. The smallest limits of its replicas count.
    """
    names = list(hosts)
    found: list[dict[str, Any]] = []
    for backend in published_models(backends, names, hostvars):
        same = [
            one
            for host in names
            for one in models_of(hostvars[host])
            if one["name"] == backend["name"]
        ]
        found.append(
            {
                "name": backend["name"],
                "aliases": [*([] if found else [DEFAULT_ALIAS]), *backend["aliases"]],
                "context": _smallest(same, "max_total_tokens"),
                "input": _smallest(same, "max_input_tokens"),
                # Only a template that is known to be missing counts
                "chat": all(one.get("chat") is not False for one in same),
                "tools": all(one.get("tools") is not False for one in same),
            }
        )
    return found


def _smallest(models: list[dict[str, Any]], option: str) -> int:
    return min(
        (int(one["options"][option]) for one in models if one["options"].get(option)), default=0
    )


def _offer(
    consumer: Mapping[str, Any], tiers: Mapping[str, Mapping[str, Any]], with_keys: bool
) -> dict[str, Any]:
    tier = tiers.get(consumer.get("tier") or "") or {}
    limits = {name: tier.get(name) or 0 for name in _LIMITS}
    key, end = _lasting(consumer) if with_keys else (NO_KEY, "")
    rpm = (
        max(1, int(float(limits["requests_per_second"]) * 60))
        if limits["requests_per_second"]
        else 0
    )
    return {
        "name": consumer["name"],
        **limits,
        "rpm": rpm,
        "key": key,
        "key_ends": end,
        "with_key": key != NO_KEY,
    }


def _lasting(consumer: Mapping[str, Any]) -> tuple[str, str]:
    """Return the key that is accepted longest, and its end; of several the first."""
    found: list[tuple[float, str, str]] = []
    for entry in consumer.get("keys") or ():
        dated = isinstance(entry, Mapping)
        end = str(entry.get("expires") or "") if dated else ""
        found.append((expires_at(end) if end else _NEVER, entry["key"] if dated else entry, end))
    alive = [one for one in found if one[0] > time.time()]
    if not alive and consumer.get("certificate_subjects"):
        return NO_KEY, ""
    if not alive:
        where = f"gateway_consumers: {consumer['name']}"
        remedy = "give it one with playbooks/secrets.yml, or leave clients_with_keys out"
        raise ValueError(problem(where, "has no key that is accepted now", remedy))
    _, key, end = max(alive, key=lambda one: one[0])
    return key, end
