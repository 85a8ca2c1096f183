"""Check a gateway's tiers and limits."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from typing import Any

from ...common.problem import UNKNOWN, closest, number, problem, shown
from .names import NAME, same_but_for_case

_RATE = "requests_per_second"
_LIMIT = (_RATE, "burst")
_CAPPED = (*_LIMIT, "concurrent")
_BUDGET = "tokens_per_minute"
_LIMITS = {
    "gateway_address_limit": _CAPPED,
    "gateway_bad_auth": _LIMIT,
    "gateway_public_limit": _LIMIT,
}
# nginx counts whole requests per second or per minute
_SLOWEST = 1 / 60
# limit_conn has its own maximum; the others keep nginx's numbers from overflowing
_MOST = {_RATE: 10**6, "burst": 10**6, "concurrent": 65535, _BUDGET: 10**9}


def check_limits(values: Mapping[str, Any]) -> Iterator[str]:
    """Return the problems of gateway_tiers and of the limits by address."""
    tiers = values.get("gateway_tiers")
    for name, tier in tiers.items() if isinstance(tiers, dict) else ():
        where = f"gateway_tiers.{name}"
        if not NAME.fullmatch(str(name)):
            yield problem(
                where, "is not a valid tier name", "write letters, digits, . _ and - only"
            )
        if isinstance(tier, dict):
            yield from _check_limit(where, tier, _CAPPED, (_BUDGET,))
        elif tier is not UNKNOWN:
            sample = "{requests_per_second: 10, burst: 20, concurrent: 8}"
            yield problem(where, f"is {shown(tier)}, not a mapping", f"write {sample}")
    yield from same_but_for_case("gateway_tiers", tiers if isinstance(tiers, dict) else ())
    for variable, keys in _LIMITS.items():
        limit = values.get(variable)
        if isinstance(limit, dict):
            yield from _check_limit(variable, limit, keys)


def _check_limit(
    where: str, limit: dict[Any, Any], keys: tuple[str, ...], optional: tuple[str, ...] = ()
) -> Iterator[str]:
    known = (*keys, *optional)
    for key in limit:
        if key not in known:
            remedy = f"write {closest(str(key), known) or ', '.join(known)}"
            yield problem(f"{where}.{key}", "is not a known limit", remedy)
    for key in known:
        value = limit.get(key)
        if value is None and key not in optional:
            yield problem(f"{where}.{key}", "is missing", f"write {key}: NUMBER")
        elif value is not None and value is not UNKNOWN:
            yield from _check_number(f"{where}.{key}", key, value)


def _check_number(where: str, key: str, value: Any) -> Iterator[str]:
    """Refuse text too, because templates calculate with these values."""
    least = 1 if key == _BUDGET else 0
    plain = isinstance(value, int) and not isinstance(value, bool)
    remedy = f"write a whole number, {least} or more, without quotes"
    fits = plain and value >= least
    if key == _RATE:
        rate = None if isinstance(value, str) else number(value)
        fits = rate is not None and math.isfinite(rate) and rate >= _SLOWEST
        remedy = "write a number without quotes, 0.017 (one a minute) or more"
    if not fits:
        yield problem(where, f"is {shown(value)}", remedy)
    elif value > _MOST[key]:
        yield problem(where, f"is {value}", f"write at most {_MOST[key]}")
