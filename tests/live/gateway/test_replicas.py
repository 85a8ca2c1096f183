"""Drain, stop and kill replicas of a model while clients ask, and count failed requests."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

import httpx
import pytest

from tests.support.live.load import Answer, Connection, Tally, keep_asking
from tests.support.live.sites import Site

FLAGS = "/var/lib/tgi-gateway/drain"
BODY = {"model": "pair", "x_events": 2}
#: gateway_drained_retry_after, which the scenario sets
RETRY_AFTER = "7"


@pytest.fixture(autouse=True)
def flags(site: Site) -> Iterator[None]:
    yield
    site.run(f"rm -f {FLAGS}/*")


@pytest.fixture
def recovery(site: Site) -> Iterator[None]:
    yield
    site.run("systemctl reset-failed; systemctl start engine@9001 engine@9002")
    # Passive health forgets a failure after five seconds
    time.sleep(6)


def ask_while(site: Site, clients: int, least: int, work: Callable[[], None]) -> Tally:
    """Ask without retries until ``work`` is done and ``least`` requests were answered."""
    context = site.context()
    over = threading.Event()
    tally = Tally()
    lines = [Connection(site.address, site.name, context) for _ in range(clients)]

    async def ask(connection: Connection) -> Answer:
        return await connection.ask(body=BODY, key=site.key("free"))

    async def all_of_it() -> Tally:
        worker = asyncio.create_task(asyncio.to_thread(work))
        worker.add_done_callback(lambda _: over.set())
        stop = time.monotonic() + 90
        await keep_asking(
            lines,
            ask,
            lambda: time.monotonic() > stop or (over.is_set() and tally.total >= least),
            tally,
        )
        await worker
        return tally

    return asyncio.run(all_of_it())


def active(site: Site, replica: str) -> int:
    found: int = site.engine(replica)["active"]
    return found


def until_it_listens(site: Site, replica: str) -> None:
    deadline = time.monotonic() + 30
    while True:
        try:
            site.engine(replica)
        except httpx.TransportError:
            assert time.monotonic() < deadline, "the engine does not start"
            time.sleep(0.1)
        else:
            return


def drain_and_restart(site: Site, replica: str, port: int) -> None:
    site.run(f"touch {FLAGS}/pair@{replica}")
    time.sleep(0.5)
    while active(site, replica):
        time.sleep(0.05)
    # Idle connections to it end by themselves
    time.sleep(4.5)
    stood = site.engine(replica)["total"]
    time.sleep(0.5)
    assert site.engine(replica)["total"] == stood, "a drained replica was asked"
    site.run(f"systemctl stop engine@{port}; sleep 1; systemctl start engine@{port}")
    until_it_listens(site, replica)
    site.run(f"rm {FLAGS}/pair@{replica}")
    deadline = time.monotonic() + 30
    while not site.engine(replica)["total"]:
        assert time.monotonic() < deadline, "a replica that is back was not asked"
        time.sleep(0.2)


def test_drain_stop_and_restart_fail_none_of_ten_thousand(site: Site, record_property: Any) -> None:
    def rounds() -> None:
        drain_and_restart(site, "one", 9001)
        drain_and_restart(site, "two", 9002)

    tally = ask_while(site, 20, 10_000, rounds)
    record_property(f"{site.host}: drain, stop, restart of both replicas", str(tally))
    assert tally.total >= 10_000, str(tally)
    assert tally.failed == 0, str(tally)


@pytest.mark.usefixtures("recovery")
def test_a_replica_that_is_killed_fails_no_request(site: Site) -> None:
    def kill() -> None:
        time.sleep(1)
        site.run("systemctl kill -s KILL engine@9001")
        time.sleep(3)

    tally = ask_while(site, 20, 1000, kill)
    assert tally.total >= 1000
    assert tally.failed == 0, str(tally)


@pytest.mark.parametrize(
    ("model", "other", "replicas"), [("pair", "solo", ["one", "two"]), ("solo", "pair", ["three"])]
)
def test_all_replicas_drained_is_a_clear_503(
    site: Site, model: str, other: str, replicas: list[str]
) -> None:
    with site.client("free") as client:
        health = f"/models/{model}/health"
        assert client.get(health).status_code == 200
        site.forget()
        site.run(f"cd {FLAGS} && touch {' '.join(f'{model}@{name}' for name in replicas)}")
        answer = client.post("/v1/chat/completions", json={"model": model})
        native = client.post(f"/models/{model}/generate", json={"inputs": "x"})
        with site.client() as stranger:
            unwell = stranger.get(health)
        assert client.post("/v1/chat/completions", json={"model": other}).status_code == 200
        assert [site.engine(name)["total"] for name in replicas] == [0] * len(replicas)
        site.run(f"rm {FLAGS}/*")
        assert client.post("/v1/chat/completions", json={"model": model}).status_code == 200
    error = {
        "message": f"{model} is being replaced; try again in a moment.",
        "type": "server_error",
        "param": None,
        "code": "model_replaced",
    }
    assert [one.json()["error"] for one in (answer, native)] == [error, error]
    for refused in (answer, native, unwell):
        assert (refused.status_code, refused.headers["retry-after"]) == (503, RETRY_AFTER)
    # A caller without a key learns no name; only an old njs sends it a body at all
    assert model not in unwell.text


def test_a_stream_of_the_only_replica_ends_after_its_drain(site: Site) -> None:
    body = {"model": "solo", "stream": True, "x_events": 20, "x_pause": 0.1}
    with (
        site.client("free") as client,
        client.stream("POST", "/v1/chat/completions", json=body) as answer,
    ):
        lines = answer.iter_lines()
        next(lines)
        site.run(f"touch {FLAGS}/solo@three")
        with site.client("free") as late:
            assert late.post("/v1/chat/completions", json=body).status_code == 503
        assert [line for line in lines if line][-1] == "data: [DONE]"


def test_both_replicas_share_the_work(site: Site) -> None:
    ask_while(site, 8, 400, lambda: None)
    counts = [site.engine(replica)["total"] for replica in ("one", "two")]
    assert min(counts) >= sum(counts) / 4, counts


@pytest.mark.usefixtures("recovery")
def test_a_generation_that_has_begun_is_never_asked_for_twice(site: Site) -> None:
    """Streams break when their replica dies; the other replica must not get them again."""
    body = {"model": "pair", "stream": True, "x_events": 200, "x_pause": 0.02}
    context = site.context()

    async def all_of_it() -> list[object]:
        lines = [Connection(site.address, site.name, context) for _ in range(10)]
        ids = [(f"X-Request-ID: stream-number-{number}",) for number in range(10)]
        asked = [
            line.ask(body=body, key=site.key("free"), headers=h) for line, h in zip(lines, ids)
        ]
        running = [asyncio.create_task(one) for one in asked]
        await asyncio.sleep(1)
        begun = {replica: site.engine(replica)["active"] for replica in ("one", "two")}
        assert sum(begun.values()) == 10
        await asyncio.to_thread(site.run, "systemctl kill -s KILL engine@9001")
        return [begun, *await asyncio.gather(*running, return_exceptions=True)]

    begun, *ends = asyncio.run(all_of_it())
    whole = sum(isinstance(end, Answer) for end in ends)
    assert isinstance(begun, dict)
    assert whole == begun["two"], f"{whole} streams ended well, {begun}"
    assert site.engine("two")["total"] == begun["two"]
