"""Check checks_accepted: known checks and models, real days."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any


def check_accepted(
    values: Mapping[str, Any], gpu_hosts: Mapping[str, Mapping[str, Any]]
) -> list[str]:
    """Return the problems of checks_accepted. Its models may be on any GPU host, or published."""
    given = values.get("checks_accepted")
    entries = [one if isinstance(one, dict) else {} for one in _list(given)]
    if not entries:
        return []
    # The catalogue and its HTTP library are loaded only where the list is used
    from ..checks.accepted import find_problems

    hosts = [values, *gpu_hosts.values()]
    models = [name for host in hosts for name in _names(_list(host.get("tgi_models")))]
    models += _names(_list(values.get("gateway_backends")))
    return list(find_problems(entries, "checks_accepted", set(models) or None))


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []


def _names(entries: Iterable[Any]) -> list[str]:
    names = [one.get("name") for one in entries if isinstance(one, dict)]
    return [name for name in names if isinstance(name, str)]
