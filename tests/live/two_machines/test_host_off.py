"""Run site.yml while a GPU host is off, and upgrade.yml when it is back."""

from __future__ import annotations

import re
import subprocess
import time
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import pytest

from tests.support.live.endpoints import load_endpoints
from tests.support.live.hosts import ask, container_of, requests_of, until
from tests.support.live.roll_outs import UPGRADE
from tests.support.playbook import ansible_playbook

Hosts = Callable[[str], Any]
FLAGS = "ls /var/lib/tgi-gateway/drain"
# What nginx waits for a connection to a machine that is off
CONNECT = 4.0


def docker(word: str, container: str) -> None:
    subprocess.run(["docker", word, container], check=True, capture_output=True, timeout=90)


def serves(at: Hosts) -> bool:
    """Tell whether the engine on gpu2 runs again, which its boot starts."""
    try:
        return requests_of(at("gpu2")) >= 0
    except AssertionError:
        return False


@pytest.fixture
def start(inventory: str, at: Hosts) -> Iterator[Callable[[], None]]:
    """Switch gpu2 off; the value switches it on."""
    container = container_of(inventory, "gpu2")

    def switch_on() -> None:
        docker("start", container)
        until(180, partial(serves, at))

    docker("stop", container)
    yield switch_on
    switch_on()


def run(inventory: str, *words: str) -> tuple[int, str, dict[str, tuple[int, int]]]:
    """Run a playbook; return the exit code, its output in one line, and the recap.

    The recap is host -> (unreachable, failed).
    """
    done = ansible_playbook("-i", inventory, *words, timeout=900)
    found = re.findall(r"(?m)^(\w+) +: .*unreachable=(\d+) +failed=(\d+)", done.stdout)
    recap = {host: (int(dark), int(failed)) for host, dark, failed in found}
    return done.returncode, " ".join(done.stdout.split()), recap


def test_the_others_are_done_and_the_next_run_takes_it_back(
    inventory: str, at: Hosts, start: Callable[[], None]
) -> None:
    endpoints = load_endpoints(inventory)
    edges = [endpoint.host for endpoint in endpoints]
    ended, said, recap = run(inventory, UPGRADE, "--check")
    assert ended == 2, said
    assert all(at(edge).run(FLAGS).stdout == "" for edge in edges)
    ended, said, recap = run(inventory, "site.yml")
    assert ended == 2, said
    assert recap.pop("gpu2") == (1, 1)
    assert set(recap.values()) == {(0, 0)}, recap
    end = said.partition("Name each host that could not be reached")[2]
    assert "gpu2 cannot be reached (" in end
    assert "what it serves stays published where it was" in end
    for endpoint in endpoints:
        # Only gpu2 serves clerk
        assert at(endpoint.host).check_output(FLAGS).split() == ["scribe@gpu2"]
        with endpoint.client(endpoint.key) as client:
            began = time.monotonic()
            assert {ask(client).status_code for _ in range(20)} == {200}
            assert time.monotonic() - began < CONNECT
            assert "clerk" in {one["id"] for one in client.get("/v1/models").json()["data"]}
    start()
    ended, said, recap = run(inventory, UPGRADE)
    assert ended == 0, said
    before = requests_of(at("gpu2"))
    for endpoint in endpoints:
        assert at(endpoint.host).check_output(FLAGS) == ""
        with endpoint.client(endpoint.key) as client:
            assert {ask(client).status_code for _ in range(20)} == {200}
    assert requests_of(at("gpu2")) > before
