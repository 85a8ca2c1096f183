"""Check that only its gateways ever reach the models of a GPU host."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from tests.support.live.endpoints import Endpoint
from tests.support.live.hosts import (
    ADDRESSES,
    PORTS,
    ask,
    knock,
    knocking,
    python,
    restart_machine,
    until,
)

Hosts = Callable[[str], Any]
SCRIBE = PORTS["scribe"]
#: Debian 12 with Docker's engine, Debian 13 with its own; and for each a neighbour to keep out
NEIGHBOURS = {"gpu1": "gpu2", "gpu2": "gpu1"}
each = pytest.mark.parametrize("gpu", NEIGHBOURS)


@pytest.mark.parametrize("gateway", ["edge12", "edge13"])
def test_gateways_come_in(at: Hosts, gateway: str) -> None:
    host = at(gateway)
    assert knock(host, ADDRESSES["gpu1"], SCRIBE) == "open"
    assert knock(host, ADDRESSES["gpu2"], PORTS["clerk"]) == "open"


@each
def test_others_do_not(at: Hosts, gpu: str) -> None:
    assert knock(at(NEIGHBOURS[gpu]), ADDRESSES[gpu], SCRIBE) == "closed"
    with knocking(ADDRESSES[gpu], 22) as control, knocking(ADDRESSES[gpu], SCRIBE) as stranger:
        until(20, lambda: stranger.tries > 20 and control.answers)
    assert not stranger.connects


@each
def test_the_host_itself_does(at: Hosts, gpu: str) -> None:
    host = at(gpu)
    assert knock(host, "127.0.0.1", SCRIBE) == "open"
    assert knock(host, ADDRESSES[gpu], SCRIBE) == "open"


@each
def test_no_way_round_through_the_containers_own_address(at: Hosts, gpu: str) -> None:
    container = json.loads(at(gpu).check_output("docker inspect tgi-scribe-tgi-1"))[0]
    (network,) = container["NetworkSettings"]["Networks"].values()
    address = network["IPAddress"]
    neighbour = at(NEIGHBOURS[gpu])
    # Its own networks may have the same addresses
    neighbour.check_output(f"ip route replace {address}/32 via {ADDRESSES[gpu]}")
    try:
        assert knock(neighbour, address, 80) == "closed"
    finally:
        neighbour.check_output(f"ip route del {address}/32")
    # The engine does answer there
    assert knock(at(gpu), address, 80) == "open"


@each
def test_no_window_while_docker_restarts(at: Hosts, gpu: str) -> None:
    host = at(gpu)
    with knocking(ADDRESSES[gpu], SCRIBE) as stranger:
        host.check_output("systemctl restart docker")
        until(60, lambda: knock(host, "127.0.0.1", SCRIBE) == "open")
        # The restart may take less time than so many tries
        until(60, lambda: stranger.tries > 20)
    assert not stranger.answers
    assert knock(at("edge13"), ADDRESSES[gpu], SCRIBE) == "open"


@each
def test_flushed_rules_are_back_with_docker(at: Hosts, gpu: str) -> None:
    host, neighbour = at(gpu), at(NEIGHBOURS[gpu])
    host.check_output("iptables -F TGI-FENCE && iptables -D INPUT -j TGI-FENCE")
    assert knock(neighbour, ADDRESSES[gpu], SCRIBE) == "open"
    host.check_output("systemctl restart docker")
    assert "DROP" in host.check_output("iptables -S TGI-FENCE")
    assert knock(neighbour, ADDRESSES[gpu], SCRIBE) == "closed"


@each
def test_no_window_at_boot(at: Hosts, inventory: str, gpu: str) -> None:
    with knocking(ADDRESSES[gpu], SCRIBE) as stranger:
        restart_machine(inventory, gpu)
        until(90, lambda: _serves(at(gpu)))
        until(60, lambda: stranger.tries > 20)
    assert not stranger.answers
    assert knock(at("edge12"), ADDRESSES[gpu], SCRIBE) == "open"
    started = "systemctl show -P ActiveEnterTimestampMonotonic"
    firewall, docker = (
        int(at(gpu).check_output(f"{started} {unit}")) for unit in ("tgi-fence", "docker")
    )
    assert firewall < docker


def _serves(host: Any) -> bool:
    return bool(host.run("true").rc == 0) and knock(host, "127.0.0.1", SCRIBE) == "open"


def test_the_gateways_serve_as_before(endpoint: Endpoint) -> None:
    with endpoint.client(endpoint.key) as client:
        for model in PORTS:
            assert "Paris" in ask(client, model).raise_for_status().text


@each
def test_the_firewall_lets_only_the_gateways_in(at: Hosts, gpu: str) -> None:
    rules = at(gpu).check_output("iptables -S TGI-FENCE")
    sources = [line.split()[3] for line in rules.splitlines() if " -s " in line]
    addresses = "import socket; s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)"
    code = f"{addresses}; s.connect(('192.0.2.1', 9)); print(s.getsockname()[0])"
    assert sources == sorted(f"{python(at(name), code)}/32" for name in ("edge12", "edge13"))
