"""Run two gateways before two GPU hosts: check who answers, who is left out, and what a stop
costs.
"""

from __future__ import annotations

import json
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import httpx
import pytest

from tests.support.live.endpoints import Endpoint, load_endpoints
from tests.support.live.hosts import PORTS, ask, knock, requests_of, until
from tests.support.playbook import ansible_playbook, changes

Hosts = Callable[[str], Any]


def drain(inventory: str, replica: str, **more: Any) -> subprocess.CompletedProcess[str]:
    """Run the playbook as its head says."""
    variables = json.dumps({"gateway_drain_replica": replica, **more})
    return ansible_playbook("-i", inventory, "playbooks/drain.yml", "-e", variables)


@contextmanager
def asking(endpoint: Endpoint, clients: int = 4) -> Iterator[list[int]]:
    """Ask without a pause; yield the statuses so far, 0 for a connection that broke."""
    statuses: list[int] = []
    over = threading.Event()

    def work() -> None:
        with endpoint.client(endpoint.key) as client:
            while not over.is_set():
                try:
                    statuses.append(ask(client).status_code)
                except httpx.HTTPError:
                    statuses.append(0)

    workers = [threading.Thread(target=work) for _ in range(clients)]
    for worker in workers:
        worker.start()
    try:
        yield statuses
    finally:
        over.set()
        for worker in workers:
            worker.join()


@pytest.fixture
def back(inventory: str) -> Iterator[None]:
    """Put drained replicas back into service after each test."""
    yield
    assert drain(inventory, "gpu1", gateway_drain_state="serving").returncode == 0


def test_both_replicas_answer(endpoint: Endpoint, at: Hosts) -> None:
    before = {name: requests_of(at(name)) for name in ("gpu1", "gpu2")}
    with endpoint.client(endpoint.key) as client:
        answers = [ask(client).raise_for_status().text for _ in range(20)]
    assert all("Paris" in answer for answer in answers)
    gained = {name: requests_of(at(name)) - count for name, count in before.items()}
    assert sum(gained.values()) == 20
    assert all(gained.values())


def test_a_model_of_one_host_is_published_too(endpoint: Endpoint, at: Hosts) -> None:
    before = requests_of(at("gpu2"), "clerk")
    with endpoint.client(endpoint.key) as client:
        assert "Paris" in ask(client, "clerk").raise_for_status().text
        listed = {entry["id"] for entry in client.get("/v1/models").json()["data"]}
    assert requests_of(at("gpu2"), "clerk") == before + 1
    assert listed == {"scribe", "clerk"}


def test_a_model_without_a_gpu_writes_only_where_it_must(at: Hosts) -> None:
    touch = "docker exec tgi-scribe-tgi-1 touch"
    refused = at("gpu1").run(f"{touch} /usr/local/bin/x")
    assert (refused.rc, "Read-only file system" in refused.stderr) == (1, True)
    for path in ("/tmp", "/usr/src/out", "/root/.cache", "/data"):
        at("gpu1").check_output(f"{touch} {path}/x && docker exec tgi-scribe-tgi-1 rm {path}/x")


def test_what_a_container_leaves_makes_no_user_root(at: Hosts) -> None:
    host, data = at("gpu1"), "/var/lib/tgi"
    # The host's own shell, as the container's may need a newer C library
    leave = "cat > /data/left && chmod 4755 /data/left"
    host.check_output(f"docker exec -i tgi-scribe-tgi-1 sh -c '{leave}' < /bin/dash")
    left = f"{data}/.containers/scribe/left"
    run = f"runuser -u daemon -- {left} -p -c 'id -un'"
    try:
        assert host.check_output(f"stat -c '%U %a' {data} {left}") == "root 700\nroot 4755"
        assert "Permission denied" in host.run(run).stderr
        # Without that mode, it does
        host.check_output(f"chmod 755 {data}")
        assert host.check_output(run) == "root"
    finally:
        host.check_output(f"chmod 700 {data} && rm {left}")


def test_a_container_sees_the_weights_of_no_other_model(at: Hosts) -> None:
    host, cache = at("gpu2"), "/var/lib/tgi/hub"
    names = {"scribe", "clerk"}
    for name in names:
        inside = f"docker exec tgi-{name}-tgi-1"
        seen = host.check_output(
            f"{inside} find /data -name 'models--*' -path '/data/hub/models--*'"
        )
        assert seen.split() == [f"/data/hub/models--acme--{name}"]
        # What it fetches is where other versions of the role look for it
        host.check_output(f"{inside} touch /data/hub/models--acme--{name}/x")
        host.check_output(f"rm {cache}/models--acme--{name}/x")
        assert host.check_output(f"ls {cache}/models--acme--{name}/snapshots")
        own = f"/var/lib/tgi/.containers/{name}"
        assert host.check_output(f"find {own} -path '*/models--*' -type f") == ""


@pytest.mark.usefixtures("back")
def test_a_drained_replica_gets_nothing_and_no_request_fails(inventory: str, at: Hosts) -> None:
    first, *_ = endpoints = load_endpoints(inventory)
    with asking(first) as statuses:
        until(20, lambda: len(statuses) > 20)
        drained = drain(inventory, "gpu1")
        assert drained.returncode == 0, drained.stdout
        assert "changed=1" in drained.stdout
        still, asked = requests_of(at("gpu1")), len(statuses)
        until(20, lambda: len(statuses) > asked + 50)
        assert requests_of(at("gpu1")) == still
    assert set(statuses) == {200}
    with endpoints[-1].client(endpoints[-1].key) as client:
        assert {ask(client).status_code for _ in range(10)} == {200}
    assert requests_of(at("gpu1")) == still
    again = drain(inventory, "gpu1")
    assert changes(again) == {0}, again.stdout

    # Back in, it is asked again
    assert drain(inventory, "gpu1", gateway_drain_state="serving").returncode == 0
    with first.client(first.key) as client:
        assert {ask(client).status_code for _ in range(20)} == {200}
    assert requests_of(at("gpu1")) > still


@pytest.fixture
def slow(at: Hosts) -> Iterator[None]:
    """Make gpu1 slow for each token."""
    fault = "docker exec tgi-scribe-tgi-1 tgi-emulator fault"
    at("gpu1").check_output(f"{fault} set slow-token=0.3")
    yield
    at("gpu1").check_output(f"{fault} clear")


def stream(endpoint: Endpoint, ends: list[tuple[float, str]]) -> None:
    """Read a stream of some 30 tokens; note when it ended, and its last line."""
    words = [{"role": "user", "content": f"Repeat this: {' '.join('abcdefghij' * 3)}"}]
    body = {"model": "scribe", "stream": True, "max_tokens": 30, "messages": words}
    with (
        endpoint.client(endpoint.key) as client,
        client.stream("POST", "/v1/chat/completions", json=body) as response,
    ):
        lines = [line for line in response.iter_lines() if line]
    ends.append((time.monotonic(), lines[-1]))


@pytest.mark.usefixtures("back", "slow")
def test_a_drain_waits_for_what_is_under_way(inventory: str) -> None:
    last = load_endpoints(inventory)[-1]
    ends: list[tuple[float, str]] = []
    # The less busy replica gets the next one, so each has one of the two
    workers = [threading.Thread(target=stream, args=(last, ends)) for _ in range(2)]
    for worker in workers:
        worker.start()
        time.sleep(0.3)
    began = time.monotonic()
    drained = drain(inventory, "gpu1")
    over = time.monotonic()
    for worker in workers:
        worker.join()
    assert drained.returncode == 0, drained.stdout
    assert "RETRYING" in drained.stdout
    assert [line for _, line in ends] == ["data: [DONE]"] * 2
    assert began + 4 < max(end for end, _ in ends) < over


@pytest.mark.parametrize(
    ("replica", "models", "words"),
    [
        (
            "gpu9",
            [],
            'gateway_drain_replica is "gpu9", which serves no model here; write one of gpu1',
        ),
        (
            "gpu1",
            ["clerk"],
            "gateway_drain_models names clerk, which gpu1 does not serve; write some of",
        ),
        (
            "gpu2",
            [],
            "gpu2 is the last replica to serve clerk; write gateway_drain_models: [scribe]",
        ),
    ],
)
def test_what_cannot_be_drained_is_refused(
    inventory: str, replica: str, models: list[str], words: str
) -> None:
    refused = drain(inventory, replica, gateway_drain_models=models)
    assert refused.returncode != 0
    assert changes(refused) == {0}
    assert any(words in line for line in refused.stdout.splitlines()), refused.stdout


def roll_out(inventory: str, replica: str, model: str, state: str) -> set[int]:
    """Change a flag as a roll-out does; return how many changes each gateway had."""
    asked = json.dumps({"replica": replica, "models": [model], "state": state})
    done = ansible_playbook(
        "-i", inventory, "tests/live/two_machines/roll_out_flag.yml", "-e", asked
    )
    assert done.returncode == 0, done.stdout
    return changes(done)


@pytest.mark.usefixtures("back")
def test_a_roll_out_drains_the_only_replica_and_leaves_a_persons_drain(inventory: str) -> None:
    last = load_endpoints(inventory)[-1]
    drained = drain(inventory, "gpu1", gateway_drain_models=["scribe"])
    assert drained.returncode == 0, drained.stdout
    with last.client(last.key) as client:
        assert roll_out(inventory, "gpu2", "clerk", "drained") == {1}
        try:
            refused = ask(client, "clerk")
            assert ask(client, "scribe").status_code == 200
            said = ansible_playbook("-i", inventory, "playbooks/preflight.yml")
        finally:
            back = roll_out(inventory, "gpu2", "clerk", "serving")
        assert back == {1}
        assert ask(client, "clerk").status_code == 200
    assert (refused.status_code, refused.headers["retry-after"]) == (503, "5")
    assert refused.json()["error"]["code"] == "model_replaced"
    warned = " ".join((said.stdout + said.stderr).split())
    assert '"replacing clerk (image)", by a run of anna@ctl1; the next' in warned
    assert "to take it back, run playbooks/drain.yml with gateway_drain_replica: gpu1" in warned
    # The flag of a person is not the run's to remove
    assert roll_out(inventory, "gpu1", "scribe", "serving") == {0}
    again = drain(inventory, "gpu1", gateway_drain_models=["scribe"])
    assert changes(again) == {0}, again.stdout


def test_a_replica_that_stops_costs_no_request(inventory: str, at: Hosts) -> None:
    last = load_endpoints(inventory)[-1]
    host = at("gpu1")
    with asking(last) as statuses:
        until(20, lambda: len(statuses) > 20)
        host.check_output("docker kill tgi-scribe-tgi-1")
        time.sleep(3)
        host.check_output("docker start tgi-scribe-tgi-1")
        enough = max(60, len(statuses) + 20)
        until(60, lambda: len(statuses) > enough)
    assert set(statuses) == {200}
    until(60, lambda: knock(host, "127.0.0.1", PORTS["scribe"]) == "open")
    before = requests_of(host)
    with last.client(last.key) as client:
        # It was left out for a while after it failed
        until(30, lambda: ask(client).status_code == 200 and requests_of(host) > before)
