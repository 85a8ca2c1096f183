"""Find a host's addresses, and check the address that models are published on."""

from __future__ import annotations

import contextlib
import ipaddress
import json
import socket

from ..common.commands import run
from ..common.problem import problem

# Reserved for documentation; connecting a UDP socket to them sends nothing
_FAR = ((socket.AF_INET, "192.0.2.1"), (socket.AF_INET6, "2001:db8::1"))


def source_address() -> str:
    """Return the source address of this host's connections to far hosts, or "".

    A host without a default route, as in an air gap, has its only address; "" with several.
    """
    for family, far in _FAR:
        with contextlib.suppress(OSError), socket.socket(family, socket.SOCK_DGRAM) as one:
            one.connect((far, 9))
            return str(one.getsockname()[0])
    return only_address(all_addresses())


def only_address(addresses: list[str]) -> str:
    """Return the only IPv4 address, or else the only address of all; "" if there are several."""
    for some in ([one for one in addresses if ":" not in one], addresses):
        if len(some) == 1:
            return some[0]
    return ""


def all_addresses() -> list[str]:
    """Return this host's global addresses; none if ip(8) is missing."""
    done = run(["ip", "-json", "address", "show", "scope", "global"])
    return parse_addresses(done.out) if done.rc == 0 else []


def parse_addresses(text: str) -> list[str]:
    """Parse the output of ``ip -json address``, without Docker's own bridges."""
    return [
        str(one["local"])
        for link in json.loads(text or "[]")
        if not str(link.get("ifname", "")).startswith(("docker", "br-", "tgi-", "veth"))
        for one in link.get("addr_info", [])
        if one.get("local")
    ]


def check_bind_address(wanted: str, addresses: list[str]) -> list[str]:
    """Refuse an address that is not in ``addresses``; Docker would refuse it much later."""
    try:
        known = {ipaddress.ip_address(address) for address in addresses}
        if not wanted or not known or ipaddress.ip_address(wanted) in known:
            return []
    except ValueError:
        return []  # The inventory's check reports it
    remedy = f"write one of {', '.join(addresses)}"
    return [problem("tgi_bind_address", f'is "{wanted}", not an address of this host', remedy)]
