"""Act on the hosts: count an engine's requests, try a port, restart a machine."""

from __future__ import annotations

import socket
import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import testinfra
import yaml

ADDRESSES = {"gpu1": "10.231.0.11", "gpu2": "10.231.0.12"}
PORTS = {"scribe": 8081, "clerk": 8082}
#: The model of the scenario default, and the other host of each
CONTAINER = "tgi-smollm2-135m-tgi-1"
OTHERS = {"debian12": "debian13", "debian13": "debian12"}
QUESTION = [{"role": "user", "content": "Name the capital of France."}]

_COUNT = """
import urllib.request
page = urllib.request.urlopen("http://127.0.0.1:{port}/metrics", timeout=5).read().decode()
rows = [line for line in page.splitlines() if line.startswith("tgi_request_success")]
print(int(sum(float(line.rsplit(" ", 1)[1]) for line in rows)))
"""
_KNOCK = """
import socket
try:
    with socket.create_connection(("{address}", {port}), 2) as one:
        one.sendall(b"GET /health HTTP/1.0\\r\\n\\r\\n")
        print("open" if one.recv(4) else "closed")
except OSError:
    print("closed")
"""


def python(host: Any, code: str) -> str:
    """Run Python on a host; return what it printed."""
    return str(host.check_output("python3 -c %s", code)).strip()


def address_of(host: Any) -> str:
    """Return a disposable host's address; ``hostname -I`` names Docker's bridges too."""
    return str(host.check_output("ip -4 -br addr show eth0").split()[2].partition("/")[0])


def other_than(host: Any, inventory: str) -> Any:
    """Return the other host of the scenario default."""
    return host_at(inventory, OTHERS[host.backend.name.rpartition("-")[2]])


def requests_of(host: Any, model: str = "scribe") -> int:
    """Return how many generations an engine has counted."""
    return int(python(host, _COUNT.format(port=PORTS[model])))


def knock(host: Any, address: str, port: int) -> str:
    """Return whether an HTTP server answers a host at that address: open or closed."""
    return python(host, _KNOCK.format(address=address, port=port))


def ask(client: Any, model: str = "scribe") -> Any:
    """Ask one short question."""
    body = {"model": model, "max_tokens": 8, "temperature": 0, "messages": QUESTION}
    return client.post("/v1/chat/completions", json=body)


def host_at(inventory: str, name: str) -> Any:
    """Return a disposable host on which testinfra runs commands as root."""
    return testinfra.get_host(f"docker://{container_of(inventory, name)}")


def container_of(inventory: str, name: str) -> str:
    """Return the container's name of a disposable host."""
    return f"{network_of(inventory)}-{name}"


def network_of(inventory: str) -> str:
    """Return the name of the disposable hosts' network."""
    hosts = yaml.safe_load((Path(inventory) / "hosts.yml").read_text())["all"]["children"]
    return f"tgi-{hosts['disposable']['vars']['hosts_name']}"


def restart_machine(inventory: str, name: str) -> None:
    """Reboot a disposable host: its processes end and its firewall rules are gone."""
    subprocess.run(["docker", "restart", container_of(inventory, name)], check=True, timeout=60)


@dataclass
class Stranger:
    """Try a port without a pause from this machine, which the firewall does not allow."""

    address: str
    port: int
    tries: int = 0
    answers: list[float] = field(default_factory=list)
    connects: list[float] = field(default_factory=list)

    def knock(self) -> None:
        self.tries += 1
        try:
            with socket.create_connection((self.address, self.port), 0.2) as one:
                self.connects.append(time.monotonic())
                one.sendall(b"GET /health HTTP/1.0\r\n\r\n")
                one.settimeout(1)
                if one.recv(4):
                    self.answers.append(time.monotonic())
        except OSError:
            time.sleep(0.01)


@contextmanager
def knocking(address: str, port: int) -> Iterator[Stranger]:
    """Try the port for as long as the block lasts, four at a time."""
    stranger, over = Stranger(address, port), threading.Event()

    def work() -> None:
        while not over.is_set():
            stranger.knock()

    workers = [threading.Thread(target=work) for _ in range(4)]
    for worker in workers:
        worker.start()
    try:
        yield stranger
    finally:
        over.set()
        for worker in workers:
            worker.join()


def until(seconds: float, look: Any) -> None:
    """Wait until ``look`` returns something true, or fail."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if look():
            return
        time.sleep(0.5)
    raise AssertionError(f"not within {seconds:g} s")
