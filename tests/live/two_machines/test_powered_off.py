"""Measure what a silent machine of a replica costs clients, and for how long."""

from __future__ import annotations

import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from functools import partial
from typing import Any

import httpx
import pytest

from tests.support.live.endpoints import Endpoint, load_endpoints
from tests.support.live.hosts import (
    ADDRESSES,
    PORTS,
    ask,
    container_of,
    knock,
    network_of,
    until,
)

Hosts = Callable[[str], Any]
CLIENTS = 4
# A client that gives up; a request to a healthy replica is done within a small part of it
PATIENCE = 15.0
SLOW = 1.0
# Of the role: an attempt to connect lasts so long, and a failed replica is left alone so long
CONNECT, LEFT_ALONE = 4.0, 5.0
DOWN = 12.0


@dataclass(frozen=True)
class Asked:
    """One request: its start, its duration, its status (0: the client gave up)."""

    began: float
    took: float
    status: int

    def __str__(self) -> str:
        return f"at {self.began:.1f} s: {self.status} after {self.took:.1f} s"


@contextmanager
def asking(endpoint: Endpoint, down: float) -> Iterator[list[Asked]]:
    """Ask without a pause; times are seconds since ``down``, a time of the monotonic clock."""
    found: list[Asked] = []
    over = threading.Event()

    def work() -> None:
        with endpoint.client(endpoint.key) as client:
            client.timeout = httpx.Timeout(PATIENCE)
            while not over.is_set():
                began = time.monotonic()
                try:
                    status = ask(client).status_code
                except httpx.HTTPError:
                    status = 0
                found.append(Asked(began - down, time.monotonic() - began, status))

    workers = [threading.Thread(target=work) for _ in range(CLIENTS)]
    for worker in workers:
        worker.start()
    try:
        yield found
    finally:
        over.set()
        for worker in workers:
            worker.join()


def seen_during(
    inventory: str, note: Any, meanwhile: Callable[[], Any] = lambda: None
) -> dict[str, list[Asked]]:
    """Return what clients of every gateway got, from a moment before a replica's trouble on."""
    found: dict[str, list[Asked]] = {}
    with ExitStack() as stack:
        down = time.monotonic() + 2
        for endpoint in load_endpoints(inventory):
            found[endpoint.host] = stack.enter_context(asking(endpoint, down))
        time.sleep(down - time.monotonic())
        meanwhile()
        time.sleep(DOWN)
    for host, requests in found.items():
        odd = "; ".join(str(one) for one in requests if one.took > SLOW or one.status != 200)
        note(f"{host}: slow or failed of {len(requests)} requests", odd)
    return found


@pytest.fixture
def dropping(at: Hosts) -> Iterator[None]:
    """Let gpu1 drop new connections without an answer, as if it were off behind a router."""
    rule = f"PREROUTING -p tcp --syn --dport {PORTS['scribe']} -j DROP"
    host = at("gpu1")
    host.check_output(f"iptables -t raw -I {rule}")
    # Longer than a gateway keeps an idle connection
    time.sleep(5)
    yield
    host.check_output(f"iptables -t raw -D {rule}")


@pytest.mark.usefixtures("dropping")
def test_a_replica_that_drops_packets_fails_no_request(
    inventory: str, record_property: Any
) -> None:
    """nginx waits for the connection to fail, and asks the other replica."""
    for host, requests in seen_during(inventory, record_property).items():
        assert {one.status for one in requests} == {200}, host
        slow = [one for one in requests if one.took > SLOW]
        # Each client at most once before it is known, and then one whenever it is tried again
        most = CLIENTS + (DOWN + 2) / LEFT_ALONE + 1
        assert 0 < len(slow) <= most, [str(one) for one in slow]
        assert max(one.took for one in slow) < CONNECT + SLOW, [str(one) for one in slow]


def takes_calls(gateway: Any) -> bool:
    """Tell whether a gateway reaches the engine on gpu1."""
    return knock(gateway, ADDRESSES["gpu1"], PORTS["scribe"]) == "open"


@pytest.fixture
def unplugged(inventory: str, at: Hosts) -> Iterator[Callable[[], Any]]:
    """Take gpu1 off the network that it shares with the gateways."""
    name = container_of(inventory, "gpu1")
    network = network_of(inventory)

    def docker(*words: str) -> None:
        subprocess.run(["docker", "network", *words], check=True, capture_output=True, timeout=60)

    yield lambda: docker("disconnect", network, name)
    docker("connect", "--ip", ADDRESSES["gpu1"], network, name)
    for endpoint in load_endpoints(inventory):
        until(60, partial(takes_calls, at(endpoint.host)))
    # What hung is delivered after all, and every gateway tries it again: others count requests
    time.sleep(CONNECT + LEFT_ALONE + 3)
    for endpoint in load_endpoints(inventory):
        with endpoint.client(endpoint.key) as client:
            for _ in range(CLIENTS):
                ask(client)


def test_a_machine_that_is_off_costs_what_was_under_way_on_it(
    inventory: str, unplugged: Callable[[], Any], record_property: Any
) -> None:
    for host, requests in seen_during(inventory, record_property, unplugged).items():
        failed = [one for one in requests if one.status != 200]
        # Requests that it already has hang: nothing tells the client that no answer comes
        assert len(failed) <= CLIENTS, [str(one) for one in failed]
        assert all(one.status == 0 for one in failed), host
        assert all(one.began < LEFT_ALONE for one in failed), [str(one) for one in failed]
        slow = [one for one in requests if one.took > SLOW and one.status == 200]
        assert len(slow) <= CLIENTS + DOWN / LEFT_ALONE + 1, [str(one) for one in slow]
        assert all(one.took < CONNECT + SLOW for one in slow), [str(one) for one in slow]
