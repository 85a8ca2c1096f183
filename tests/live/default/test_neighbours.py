"""Check that a model on loopback is out of a neighbour's reach, though Docker is older than 28."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from tests.support.live.hosts import CONTAINER, address_of, knock, other_than, until

_ADDRESS = "'{{range .NetworkSettings.Networks}}{{.IPAddress}}{{end}}'"


@pytest.fixture
def container(host: Any) -> str:
    """Return the container's own address."""
    return str(host.check_output(f"docker inspect -f {_ADDRESS} {CONTAINER}")).strip()


@pytest.fixture
def neighbour(host: Any, inventory: str, container: str) -> Iterator[Any]:
    """Return a host on the same network with a route to the container."""
    at, other = address_of(host), other_than(host, inventory)
    # Its own networks may have the same addresses
    other.check_output(f"ip route replace {container}/32 via {at}")
    yield other
    other.check_output(f"ip route del {container}/32")


def test_the_containers_own_address_is_closed(host: Any, neighbour: Any, container: str) -> None:
    assert host.check_output("docker version -f '{{.Server.Version}}'").startswith("26.")
    assert knock(neighbour, container, 80) == "closed"
    assert knock(host, container, 80) == "open"
    assert knock(host, "127.0.0.1", 8081) == "open"
    rules = host.check_output("iptables -S TGI-FENCE")
    assert rules.count("-j DROP") == 1 and "--dport 80 " in rules


def test_flushed_rules_are_back_with_docker(host: Any, neighbour: Any, container: str) -> None:
    host.check_output("iptables -F TGI-FENCE")
    assert knock(neighbour, container, 80) == "open"
    host.check_output("systemctl restart docker")
    assert knock(neighbour, container, 80) == "closed"
    until(60, lambda: knock(host, "127.0.0.1", 8081) == "open")
