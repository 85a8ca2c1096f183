"""Reloads, new keys and new certificates under load: what fails, and for whom."""

from __future__ import annotations

import asyncio
import ssl
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import openai
import pytest
from load import Answer, Connection, Tally, keep_asking
from sites import Site

RELOADS = 10
BODY = {"model": "solo", "x_events": 2}
STREAM = {"model": "solo", "stream": True, "x_events": 120, "x_pause": 0.05}


def keeps_idle_connections(site: Site) -> bool:
    """Whether nginx gives kept-alive clients time over a reload (keepalive_min_timeout, 1.27.4)."""
    said = site.run("nginx -v 2>&1").rpartition("/")[2].split()[0]
    return tuple(map(int, said.split("."))) >= (1, 27, 4)


def while_asking(
    site: Site,
    clients: int,
    streams: int,
    work: Callable[[], None],
    context: ssl.SSLContext | None = None,
) -> tuple[Tally, Tally]:
    """Do ``work`` while kept-alive clients that never retry ask, and long streams run."""
    context = context or site.context()
    over = threading.Event()

    def line() -> Connection:
        return Connection(site.address, site.name, context)

    async def ask(connection: Connection) -> Answer:
        answer = await connection.ask(body=BODY, key=site.key("free"))
        await asyncio.sleep(0.2)
        return answer

    async def follow(connection: Connection) -> Answer:
        answer = await connection.ask(body=STREAM, key=site.key("free"))
        return answer if answer.body.count(b"data:") == 122 else Answer(0, {}, answer.body)

    async def all_of_it() -> tuple[Tally, Tally]:
        worker = asyncio.create_task(asyncio.to_thread(work))
        worker.add_done_callback(lambda _: over.set())
        short, long = await asyncio.gather(
            keep_asking([line() for _ in range(clients)], ask, over.is_set),
            keep_asking([line() for _ in range(streams)], follow, over.is_set),
        )
        await worker
        return short, long

    return asyncio.run(all_of_it())


def reload_often(site: Site) -> None:
    for _ in range(RELOADS):
        time.sleep(1)
        site.run("systemctl reload nginx")
    time.sleep(1)


def test_reloads_fail_no_request(site: Site, record_property: Any) -> None:
    """The raw figure is told for every nginx, and is 0 where nginx can do it."""
    short, long = while_asking(site, 200, 20, lambda: reload_often(site))
    record_property("kept-alive clients without retries", str(short))
    print(f"{site.host}: {RELOADS} reloads, 200 kept-alive clients that never retry: {short}")
    assert short.total > 2000
    assert long.total >= 20
    assert long.failed == 0, str(long)
    if keeps_idle_connections(site):
        assert short.failed == 0, str(short)
    # A connection may be closed as a request sets out; nothing else may fail
    assert short.failed <= 200 * RELOADS / 10, str(short)
    assert set(short.statuses) == {200}


def test_the_sdk_s_own_retries_see_no_failure(site: Site) -> None:
    over = threading.Event()
    failures: list[str] = []
    asked = []

    def work() -> None:
        client = openai.OpenAI(
            base_url=f"{site.url}/v1",
            api_key=site.key("free"),
            http_client=site.client(),
        )
        messages: Any = [{"role": "user", "content": "x"}]
        while not over.is_set():
            try:
                answer = client.chat.completions.create(model="solo", messages=messages)
                asked.append(answer.choices[0].message.content)
            except openai.APIError as error:
                failures.append(repr(error))
            time.sleep(0.05)

    threads = [threading.Thread(target=work) for _ in range(10)]
    for thread in threads:
        thread.start()
    reload_often(site)
    over.set()
    for thread in threads:
        thread.join()
    assert len(asked) > 500
    assert failures == []


@pytest.fixture
def usual(site: Site) -> Iterator[None]:
    yield
    back = site.play()
    assert back.returncode == 0, back.stdout


def asked_with(site: Site, key: str) -> int:
    with site.client() as client:
        header = {"Authorization": f"Bearer {key}"}
        return client.post("/v1/chat/completions", json=BODY, headers=header).status_code


@pytest.mark.usefixtures("usual")
def test_a_key_is_rotated_under_load(site: Site) -> None:
    """Old and new open while both are listed; then the old one does not."""
    free = {"name": "free", "tier": "free", "keys": [site.key("free")]}
    old, new = site.keys["twice"]
    played: list[subprocess.CompletedProcess[str]] = []

    def rotate() -> None:
        assert (asked_with(site, old), asked_with(site, new)) == (200, 200)
        entry = {"name": "twice", "tier": "free", "keys": [new]}
        played.append(site.play(gateway_consumers=[free, entry]))

    short, long = while_asking(site, 50, 5, rotate)
    assert played[0].returncode == 0, played[0].stdout
    assert (asked_with(site, old), asked_with(site, new)) == (401, 200)
    assert long.failed == 0, str(long)
    assert set(short.statuses) == {200}
    if keeps_idle_connections(site):
        assert short.failed == 0, str(short)


def served_serial(site: Site) -> str:
    said = site.run(
        f"openssl s_client -connect 127.0.0.1:443 -servername {site.name} </dev/null 2>/dev/null"
        " | openssl x509 -noout -serial"
    )
    return said.strip()


def master(site: Site) -> str:
    return site.run("systemctl show -p MainPID --value nginx").strip()


def test_a_certificate_is_renewed_under_load(site: Site) -> None:
    before, process = served_serial(site), master(site)
    played: list[subprocess.CompletedProcess[str]] = []

    def renew() -> None:
        # Within these days of its end, so that any leaf is due
        played.append(site.play(gateway_tls_renew_days=89, gateway_tls_leaf_days=90))
        leaf = Path(site.ca).with_name(f"{site.name}.crt")
        leaf.unlink()
        played.append(site.play())

    short, long = while_asking(site, 50, 5, renew)
    assert [play.returncode for play in played] == [0, 0], played[-1].stdout
    assert served_serial(site) != before
    assert master(site) == process, "nginx was restarted"
    assert long.failed == 0, str(long)
    assert set(short.statuses) == {200}
    if keeps_idle_connections(site):
        assert short.failed == 0, str(short)
