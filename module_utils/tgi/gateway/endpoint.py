"""The endpoint as a client needs it: URL, CA, and one consumer's key and limits."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

_HTTPS = 443
_LIMITS = ("requests_per_second", "burst", "concurrent")


def endpoint_url(server_name: str, https_port: Any = _HTTPS) -> str:
    """Return the URL that clients use; the default port is left out."""
    port = int(https_port)
    return f"https://{server_name}" + ("" if port == _HTTPS else f":{port}")


def endpoint_ca(tls: Mapping[str, Any]) -> str:
    """Return the path of the CA that only this site knows; empty: a client's own store has it."""
    return f"{tls['ca_dir']}/ca.crt" if tls.get("source") == "private_ca" else ""


def consumer_access(
    consumers: Iterable[Mapping[str, Any]] | None,
    name: str,
    tiers: Mapping[str, Mapping[str, Any]] | None = None,
) -> dict[str, Any]:
    """Return ``key`` (the first one; empty: none) and ``tier`` (0: no limit) of a consumer.

    ``tier`` has requests_per_second, burst and concurrent. ``tool_streams`` is the consumer's own
    choice; None: the gateway's.
    """
    mine = next((one for one in consumers or () if one.get("name") == name), {})
    first = next(iter(mine.get("keys") or ()), "")
    limits = (tiers or {}).get(mine.get("tier") or "") or {}
    return {
        "key": first["key"] if isinstance(first, Mapping) else first,
        "tier": {limit: limits.get(limit) or 0 for limit in _LIMITS},
        "tool_streams": mine.get("tool_streams"),
    }
