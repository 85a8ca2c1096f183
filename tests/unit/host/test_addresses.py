"""Test the address that models are published on, and the sources that may reach it."""

from __future__ import annotations

import json
from types import SimpleNamespace
from typing import Any

import pytest
from ansible.module_utils.tgi.host.addresses import (
    all_addresses,
    only_address,
    parse_addresses,
    source_address,
)
from ansible.module_utils.tgi.preflight.bind_address import check_firewall


def test_bridges_of_docker_are_no_addresses_to_publish_on() -> None:
    links = [
        {"ifname": "eth0", "addr_info": [{"local": "10.0.0.5"}, {"local": "fd00::5"}]},
        {"ifname": "docker0", "addr_info": [{"local": "172.17.0.1"}]},
        {"ifname": "br-0123456789ab", "addr_info": [{"local": "172.18.0.1"}]},
        {"ifname": "tun0", "addr_info": [{}]},
    ]
    assert parse_addresses(json.dumps(links)) == ["10.0.0.5", "fd00::5"]
    assert parse_addresses("") == []


def test_without_ip_nothing_is_known(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/nowhere")
    assert all_addresses() == []


def test_this_hosts_own_source_address_is_one_of_its_addresses() -> None:
    assert source_address() in {*all_addresses(), ""}


@pytest.mark.parametrize(
    ("addresses", "wanted"),
    [
        ([], ""),
        (["10.0.0.5"], "10.0.0.5"),
        (["10.0.0.5", "fd00::5"], "10.0.0.5"),
        (["fd00::5"], "fd00::5"),
        (["fd00::5", "fd00::6"], ""),
        (["10.0.0.5", "10.1.0.5", "fd00::5"], ""),
    ],
)
def test_a_host_without_a_default_route_has_its_only_address(
    addresses: list[str], wanted: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert only_address(addresses) == wanted

    def no_route(*_: object) -> None:
        raise OSError(101, "Network is unreachable")

    links = [{"ifname": "eth0", "addr_info": [{"local": one} for one in addresses]}]
    done = SimpleNamespace(rc=0, out=json.dumps(links))
    monkeypatch.setattr(f"{parse_addresses.__module__}.run", lambda _: done)
    monkeypatch.setattr(f"{parse_addresses.__module__}.socket.socket", no_route)
    assert source_address() == wanted


BAD: dict[str, tuple[Any, Any, str]] = {
    "name": ("gpu1.lan", None, 'tgi_bind_address is "gpu1.lan", not an address; write this host'),
    "every": ("0.0.0.0", None, 'is "0.0.0.0", which means every address of the host; write'),
    "every, IPv6": ("::", None, 'is "::", which means every address of the host'),
    "loopback": ("127.0.0.1", None, "but the models listen on loopback in any case"),
    "link": ("fe80::1", None, "on which no program can listen"),
    "no source": ("10.0.0.5", [], "tgi_allowed_sources is empty, so no gateway can reach"),
    "no network": ("10.0.0.5", ["edge1"], 'tgi_allowed_sources[0] is "edge1", not a network'),
    "everybody": (
        "10.0.0.5",
        ["10.0.0.9", "0.0.0.0/0"],
        '[1] is "0.0.0.0/0", which allows every address',
    ),
    "another family": ("10.0.0.5", ["fd00::9"], "but tgi_bind_address is an IPv4 address"),
}


@pytest.mark.parametrize("case", BAD)
def test_a_firewall_that_cannot_work_is_refused(case: str) -> None:
    address, sources, words = BAD[case]
    given = {"tgi_bind_address": address, "tgi_allowed_sources": sources}
    (line,) = check_firewall(given)
    assert words in line
    assert "; write" in line


@pytest.mark.parametrize(
    "given",
    [
        {},
        {"tgi_bind_address": "", "tgi_allowed_sources": []},
        {"tgi_bind_address": "10.0.0.5"},
        {"tgi_bind_address": "203.0.113.5", "tgi_allowed_sources": ["203.0.113.9"]},
        {"tgi_bind_address": "fd00::5", "tgi_allowed_sources": ["fd00::/64", "fd00:1::9"]},
    ],
)
def test_a_firewall_that_can_is_not(given: dict[str, Any]) -> None:
    assert check_firewall(given) == []
