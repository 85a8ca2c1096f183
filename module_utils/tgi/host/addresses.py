"""Which addresses a host has, and whether the models can be published on the one asked for."""

from __future__ import annotations

import contextlib
import ipaddress
import json
import socket

from ..common.commands import run
from ..common.problem import problem

# Kept for documentation: asking the way to them sends nothing
_FAR = ((socket.AF_INET, "192.0.2.1"), (socket.AF_INET6, "2001:db8::1"))


def source_address() -> str:
    """Give the address this host's connections to far hosts come from, or an empty text."""
    for family, far in _FAR:
        with contextlib.suppress(OSError), socket.socket(family, socket.SOCK_DGRAM) as one:
            one.connect((far, 9))
            return str(one.getsockname()[0])
    return ""


def all_addresses() -> list[str]:
    """Give the addresses of this host that others can reach; none where ip(8) is missing."""
    done = run(["ip", "-json", "address", "show", "scope", "global"])
    return parse_addresses(done.out) if done.rc == 0 else []


def parse_addresses(text: str) -> list[str]:
    """Read what ``ip -json address`` said; Docker's own bridges are left out."""
    return [
        str(one["local"])
        for link in json.loads(text or "[]")
        if not str(link.get("ifname", "")).startswith(("docker", "br-", "veth"))
        for one in link.get("addr_info", [])
        if one.get("local")
    ]


def check_bind_address(wanted: str, addresses: list[str]) -> list[str]:
    """Refuse an address that is none of ``addresses``; Docker would refuse it far later."""
    try:
        known = {ipaddress.ip_address(address) for address in addresses}
        if not wanted or not known or ipaddress.ip_address(wanted) in known:
            return []
    except ValueError:
        return []  # judged in the inventory
    remedy = f"write one of {', '.join(addresses)}"
    return [problem("tgi_bind_address", f'is "{wanted}", no address of this host', remedy)]
