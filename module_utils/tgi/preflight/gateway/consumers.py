"""Check the consumers: unique names, known tiers, and a key or certificate each."""

from __future__ import annotations

import datetime
from collections.abc import Iterator, Mapping
from typing import Any

from ...common.problem import closest, problem, shown
from ...gateway.render.key_expiry import expires_at
from .keys import check_keys
from .names import NAME, same_but_for_case


def check_consumers(values: Mapping[str, Any]) -> Iterator[str]:
    """Return the problems of gateway_consumers and checks_consumer."""
    consumers, tiers = values.get("gateway_consumers"), values.get("gateway_tiers")
    entries = consumers if isinstance(consumers, list) else []
    names: dict[str, str] = {}
    keys: dict[str, str] = {}
    for place, consumer in enumerate(entries):
        if isinstance(consumer, dict):
            where = f"gateway_consumers[{place}]"
            yield from _check_name(consumer.get("name"), f"{where}.name", names)
            yield from _check_tier(consumer.get("tier"), f"{where}.tier", tiers)
            yield from _check_proof(consumer, where)
            yield from check_keys(consumer.get("keys"), f"{where}.keys", keys)
    yield from same_but_for_case("gateway_consumers", names)
    yield from _check_prober(values.get("checks_consumer"), entries)


def _check_name(name: Any, where: str, names: dict[str, str]) -> Iterator[str]:
    if not isinstance(name, str):
        return
    if not NAME.fullmatch(name):
        yield problem(
            where, f"is {shown(name)}, not a valid name", "write letters, digits, . _ and - only"
        )
    if name in names:
        remedy = "write another, or put the keys of both into one entry"
        yield problem(where, f"is {shown(name)}, as is {names[name]}", remedy)
    names.setdefault(name, where)


def _check_tier(tier: Any, where: str, tiers: Any) -> Iterator[str]:
    if isinstance(tier, str) and isinstance(tiers, dict) and tier not in tiers:
        known = closest(tier, map(str, tiers)) or ", ".join(map(str, tiers))
        remedy = f"{f'write {known}, or ' if known else ''}add {tier} to gateway_tiers"
        yield problem(where, f"is {shown(tier)}, which is not in gateway_tiers", remedy)


def _check_proof(consumer: dict[Any, Any], where: str) -> Iterator[str]:
    """Refuse a consumer without keys and certificates."""
    keys = consumer.get("keys")
    if keys is not None and keys != []:
        return
    if not consumer.get("certificate_subjects"):
        what = "is missing" if keys is None else "is empty"
        remedy = "write the output of openssl rand -hex 32, in a vault file"
        yield problem(f"{where}.keys", what, f"{remedy}, or write certificate_subjects")


def _check_prober(name: Any, consumers: list[Any]) -> Iterator[str]:
    if not isinstance(name, str) or not name:
        return
    entries = [entry for entry in consumers if isinstance(entry, dict)]
    mine = [entry for entry in entries if entry.get("name") == name]
    keys = mine[0].get("keys") if mine else None
    # An empty list of keys has been reported at its own place
    if keys is None:
        what = f"is {shown(name)}, which has no key in gateway_consumers"
        remedy = "add this consumer to gateway_consumers, or write the name of another"
        yield problem("checks_consumer", what, remedy)
        return
    if mine[0].get("enabled") is False:
        what = f"is {shown(name)}, which is disabled in gateway_consumers"
        yield problem("checks_consumer", what, "enable it, or write the name of another")
    if isinstance(keys, list) and keys and _is_over(keys[0]):
        what = f"is {shown(name)}, whose first key has expired"
        remedy = "list its new key first, because the checks use the first"
        yield problem("checks_consumer", what, remedy)


def _is_over(key: Any) -> bool:
    try:
        end = expires_at(key.get("expires")) if isinstance(key, dict) else None
    except (ValueError, OverflowError):
        return False
    now = datetime.datetime.now(datetime.timezone.utc).timestamp()
    return end is not None and end <= now
