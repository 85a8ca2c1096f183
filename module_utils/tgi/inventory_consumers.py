"""Whether a gateway's limits, consumers and keys are ones that nginx can keep."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from .inventory_problem import UNKNOWN, closest, number, problem, shown

SHORTEST_KEY = 16
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")
# What a client can send after "Bearer " and nginx can hold in a map
_KEY = re.compile(r"[A-Za-z0-9._~+/=-]+")
_RATE = "requests_per_second"
_LIMIT = (_RATE, "burst")
_TIER = (*_LIMIT, "concurrent")
# nginx counts whole requests per second or per minute
_SLOWEST = 1 / 60


def check_limits(values: Mapping[str, Any]) -> Iterator[str]:
    """Give the problems of gateway_tiers, gateway_bad_auth and gateway_public_limit."""
    tiers = values.get("gateway_tiers")
    for name, tier in tiers.items() if isinstance(tiers, dict) else ():
        where = f"gateway_tiers.{name}"
        if not _NAME.fullmatch(str(name)):
            yield problem(where, "is no name for a tier", "write letters, digits, . _ and - only")
        if isinstance(tier, dict):
            yield from _check_limit(where, tier, _TIER)
        elif tier is not UNKNOWN:
            sample = "{requests_per_second: 10, burst: 20, concurrent: 8}"
            yield problem(where, f"is {shown(tier)}, not a mapping", f"write {sample}")
    yield from _same_but_for_case("gateway_tiers", tiers if isinstance(tiers, dict) else ())
    for variable in ("gateway_bad_auth", "gateway_public_limit"):
        limit = values.get(variable)
        if isinstance(limit, dict):
            yield from _check_limit(variable, limit, _LIMIT)


def _check_limit(where: str, limit: dict[Any, Any], keys: tuple[str, ...]) -> Iterator[str]:
    for key in limit:
        if key not in keys:
            remedy = f"write {closest(str(key), keys) or ', '.join(keys)}"
            yield problem(f"{where}.{key}", "is no limit there", remedy)
    for key in keys:
        value = limit.get(key)
        if value is None:
            yield problem(f"{where}.{key}", "is missing", f"write {key}: and a number")
        elif value is not UNKNOWN and not _is_limit(key, value):
            remedy = "write a whole number, 0 or more, without quotes"
            if key == _RATE:
                remedy = "write a number without quotes, 0.017 (one a minute) or more"
            yield problem(f"{where}.{key}", f"is {shown(value)}", remedy)


def _is_limit(key: str, value: Any) -> bool:
    """Refuse text too: templates reckon with these values as they are."""
    if isinstance(value, str):
        return False
    if key == _RATE:
        rate = number(value)
        return rate is not None and math.isfinite(rate) and rate >= _SLOWEST
    return isinstance(value, int) and not isinstance(value, bool) and value >= 0


def check_consumers(values: Mapping[str, Any]) -> Iterator[str]:
    """Give the problems of gateway_consumers, and of checks_consumer beside it."""
    consumers, tiers = values.get("gateway_consumers"), values.get("gateway_tiers")
    entries = consumers if isinstance(consumers, list) else []
    names: dict[str, str] = {}
    keys: dict[str, str] = {}
    for place, consumer in enumerate(entries):
        if not isinstance(consumer, dict):
            continue
        where = f"gateway_consumers[{place}]"
        name, tier = consumer.get("name"), consumer.get("tier")
        if isinstance(name, str):
            if not _NAME.fullmatch(name):
                remedy = "write letters, digits, . _ and - only"
                yield problem(f"{where}.name", f"is {shown(name)}, no name", remedy)
            if name in names:
                remedy = "write another, or put the keys of both into one entry"
                yield problem(f"{where}.name", f"is {shown(name)}, as is {names[name]}", remedy)
            names.setdefault(name, f"{where}.name")
        if isinstance(tier, str) and isinstance(tiers, dict) and tier not in tiers:
            known = closest(tier, map(str, tiers)) or ", ".join(map(str, tiers))
            remedy = f"{f'write {known}, or ' if known else ''}add {tier} to gateway_tiers"
            yield problem(f"{where}.tier", f"is {shown(tier)}, which gateway_tiers lacks", remedy)
        yield from _check_keys(consumer.get("keys"), f"{where}.keys", keys)
    yield from _same_but_for_case("gateway_consumers", names)
    yield from _check_prober(values.get("checks_consumer"), entries)


def _same_but_for_case(variable: str, names: Iterable[Any]) -> Iterator[str]:
    seen: dict[str, str] = {}
    for name in map(str, names):
        other = seen.setdefault(name.lower(), name)
        if other != name:
            what = f"has {shown(name)} and {shown(other)}, which nginx cannot tell apart"
            yield problem(variable, what, "rename one")


def _check_keys(keys: Any, where: str, seen: dict[str, str]) -> Iterator[str]:
    remedy = "write the output of openssl rand -hex 32, in a vault file"
    if isinstance(keys, list) and not keys:
        yield problem(where, "is empty", remedy)
    for place, key in enumerate(keys if isinstance(keys, list) else []):
        path = f"{where}[{place}]"
        if key is UNKNOWN:
            continue
        if not isinstance(key, str):
            yield problem(path, "is no text", f"put it in quotes, or {remedy}")
            continue
        if len(key) < SHORTEST_KEY:
            yield problem(path, f"has {len(key)} characters, {SHORTEST_KEY} are the least", remedy)
        elif not _KEY.fullmatch(key):
            yield problem(path, "has characters that a Bearer token cannot have", remedy)
        elif key in seen:
            yield problem(path, f"is the same key as {seen[key]}", remedy)
        seen.setdefault(key, path)


def _check_prober(name: Any, consumers: list[Any]) -> Iterator[str]:
    if not isinstance(name, str) or not name:
        return
    entries = [entry for entry in consumers if isinstance(entry, dict)]
    mine = [entry for entry in entries if entry.get("name") == name]
    # An empty list of keys has been reported at its own place
    if not mine or mine[0].get("keys") is None:
        what = f"is {shown(name)}, of which gateway_consumers has no entry with a key"
        remedy = "add one to gateway_consumers for the checks, or write the name of another"
        yield problem("checks_consumer", what, remedy)
