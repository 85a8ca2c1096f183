"""Check the address that models listen on, and who may connect to it."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterator, Mapping
from typing import Any

from ..common.problem import UNKNOWN, problem, shown


def check_firewall(values: Mapping[str, Any]) -> list[str]:
    """Return the problems of tgi_bind_address and, if it is set, of tgi_allowed_sources.

    A public address passes, because the firewall rules protect it as well.
    """
    wanted, sources = values.get("tgi_bind_address"), values.get("tgi_allowed_sources")
    if not isinstance(wanted, str) or not wanted:
        return []
    address = _address(wanted)
    found = list(_check_address(wanted, address))
    if isinstance(sources, list):
        version = address.version if address and not found else None
        found += check_sources(sources, version)
    return found


def check_sources(sources: list[Any], version: int | None) -> Iterator[str]:
    """Check who may connect; ``version`` is the IP version of the address, or None for any."""
    where = "tgi_allowed_sources"
    remedy = "write addresses or networks, such as 10.0.0.9 or 10.0.0.0/28"
    if not sources:
        what = "is empty, so no gateway can reach the models"
        yield problem(where, what, "write the gateways' addresses, or delete tgi_bind_address")
    for place, source in enumerate(sources):
        if source is UNKNOWN:
            continue
        try:
            network = ipaddress.ip_network(str(source), strict=False)
        except ValueError:
            yield problem(f"{where}[{place}]", f"is {shown(source)}, not a network", remedy)
            continue
        if network.prefixlen == 0:
            yield problem(
                f"{where}[{place}]", f"is {shown(source)}, which allows every address", remedy
            )
        elif version and network.version != version:
            what = f"is {shown(source)}, but tgi_bind_address is an IPv{version} address"
            yield problem(f"{where}[{place}]", what, remedy)


def _address(text: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    try:
        return ipaddress.ip_address(text)
    except ValueError:
        return None


def _check_address(
    wanted: str, address: ipaddress.IPv4Address | ipaddress.IPv6Address | None
) -> Iterator[str]:
    where, remedy = "tgi_bind_address", "write this host's address in the gateways' network"
    if address is None:
        yield problem(where, f"is {shown(wanted)}, not an address", remedy)
    elif address.is_unspecified:
        yield problem(where, f"is {shown(wanted)}, which means every address of the host", remedy)
    elif address.is_loopback:
        what = f"is {shown(wanted)}, but the models listen on loopback in any case"
        yield problem(where, what, f"{remedy}, or leave it empty")
    elif address.is_multicast or address.is_link_local:
        yield problem(where, f"is {shown(wanted)}, on which no program can listen", remedy)
