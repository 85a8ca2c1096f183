"""Find routes of the site that Docker's next networks would cover."""

from __future__ import annotations

import ipaddress
import json
from collections.abc import Collection, Iterator
from typing import Any

from ..common.commands import Ask
from ..common.problem import problem

#: Where Docker takes its first 15 networks if nothing is configured
BUILT_IN = (*(f"172.{number}.0.0/16" for number in (17, 18, 19)), "172.20.0.0/14", "172.24.0.0/13")
_OWN = ("docker", "br-", "tgi-", "veth")


def check_pools(ask: Ask, pools: Collection[str]) -> Iterator[str]:
    """Warn of routes through a gateway into Docker's pools; without ``pools``, the built-in ones.

    Docker itself avoids the networks that the host is connected to. A route that is wider than a
    pool of the site's own choice is no mistake.
    """
    for route, gateway in _routes(ask):
        for pool in filter(None, map(_network, pools or BUILT_IN)):
            if route.subnet_of(pool) or (not pools and pool.subnet_of(route)):
                yield problem(
                    f"the route to {route} by {gateway}",
                    f"leads into {pool}, where Docker takes networks for models: hosts there can "
                    "become out of reach",
                    "write docker_address_pools, such as [{base: 10.213.0.0/16, size: 24}]",
                )
                break


def _routes(ask: Ask) -> Iterator[tuple[ipaddress.IPv4Network, str]]:
    try:
        entries: list[dict[str, Any]] = json.loads(ask(["ip", "-j", "-4", "route", "show"]).text)
    except ValueError:
        return
    for one in entries:
        own = str(one.get("dev", "")).startswith(_OWN)
        network = None if own else _network(str(one.get("dst")))
        if network and one.get("gateway"):
            yield network, str(one["gateway"])


def _network(text: str) -> ipaddress.IPv4Network | None:
    """Return the network; None for IPv6, and for what the preflight refuses elsewhere."""
    try:
        return ipaddress.IPv4Network(text)
    except ValueError:
        return None
