"""Test which routes lead into Docker's networks, from recorded output of ip."""

from __future__ import annotations

import json
from typing import Any

import pytest
from ansible.module_utils.tgi.common.commands import CommandResult
from ansible.module_utils.tgi.host.routes import check_pools

DEFAULT = {"dst": "default", "gateway": "10.0.0.1", "dev": "eth0", "flags": []}
LINK = {"dst": "172.18.0.0/16", "dev": "eth1", "scope": "link", "prefsrc": "172.18.0.9"}


def by(network: str, dev: str = "eth0") -> dict[str, Any]:
    return {"dst": network, "gateway": "10.0.0.2", "dev": dev, "flags": []}


@pytest.mark.parametrize(
    ("route", "pools", "pool"),
    [
        (DEFAULT, [], ""),
        # Docker sees these itself
        (LINK, [], ""),
        (by("172.18.0.0/16"), [], "172.18.0.0/16"),
        (by("172.22.7.0/24"), [], "172.20.0.0/14"),
        (by("172.31.9.9"), [], "172.24.0.0/13"),
        (by("172.16.0.0/12"), [], "172.17.0.0/16"),
        (by("172.16.0.0/16"), [], ""),
        (by("192.168.7.0/24"), [], ""),
        (by("172.18.0.0/16", "br-0123456789ab"), [], ""),
        (by("172.18.0.0/16"), ["10.213.0.0/16"], ""),
        (by("172.18.0.0/16"), ["fd00::/48", "odd"], ""),
        (by("10.213.5.0/24"), ["10.213.0.0/16"], "10.213.0.0/16"),
        # The site's own choice, of a part of its network
        (by("10.0.0.0/8"), ["10.213.0.0/16"], ""),
    ],
)
def test_a_route_into_a_pool(route: dict[str, Any], pools: list[str], pool: str) -> None:
    found = list(check_pools(lambda _: CommandResult(0, json.dumps([DEFAULT, route])), pools))
    assert len(found) == bool(pool)
    assert all(f" leads into {pool}, where Docker takes networks" in line for line in found)
    assert all("; write docker_address_pools" in line for line in found)


def test_without_ip_nothing_is_known() -> None:
    assert list(check_pools(lambda _: CommandResult(None, ""), [])) == []
