"""Reloads, new keys and new certificates under load: what fails, and for whom."""

from __future__ import annotations

import asyncio
import datetime
import ssl
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import openai
import pytest
from cryptography import x509

from tests.support.live.load import Answer, Connection, Tally, keep_asking
from tests.support.live.sites import Site

RELOADS = 10
SDK_CLIENTS = 5
CLOSED = "before the answer began"
BODY = {"model": "solo", "x_events": 2}
STREAM = {"model": "solo", "stream": True, "x_events": 120, "x_pause": 0.05}


def keeps_idle_connections(site: Site) -> bool:
    """Whether nginx gives kept-alive clients time over a reload (keepalive_min_timeout, 1.27.4)."""
    said = site.run("nginx -v 2>&1").rpartition("/")[2].split()[0]
    return tuple(map(int, said.split("."))) >= (1, 27, 4)


@dataclass
class Seen:
    """What became of the requests of clients that never retry, of long streams, and of the SDK."""

    short: Tally
    long: Tally
    asked: int = 0
    failures: list[str] = field(default_factory=list)

    def __str__(self) -> str:
        sdk = f"{len(self.failures)} failed of {self.asked + len(self.failures)}"
        return f"kept alive, no retries: {self.short}; OpenAI's SDK: {sdk}"

    def judge(self, site: Site, exposed: int) -> None:
        """Nothing fails for clients that retry as the SDK does; nor for others where nginx can.

        An older nginx may close a kept-alive connection just as a request sets out on it: in a
        few of the cases ``exposed`` to it, and nothing else may fail.
        """
        assert self.asked > 10
        assert self.failures == []
        closed = self.short.broken[CLOSED] + self.long.broken[CLOSED]
        assert self.short.failed + self.long.failed == closed, f"{self.short}; streams: {self.long}"
        assert closed <= (0 if keeps_idle_connections(site) else exposed / 4), str(self.short)


def while_asking(
    site: Site,
    clients: int,
    streams: int,
    work: Callable[[], None],
    context: ssl.SSLContext | None = None,
) -> Seen:
    """Do ``work`` while kept-alive clients ask, long streams run, and OpenAI's own client asks."""
    context = context or site.context()
    over = threading.Event()
    seen = Seen(Tally(), Tally())

    def line() -> Connection:
        return Connection(site.address, site.name, context)

    async def ask(connection: Connection) -> Answer:
        answer = await connection.ask(body=BODY, key=site.key("free"))
        await asyncio.sleep(0.2)
        return answer

    async def follow(connection: Connection) -> Answer:
        answer = await connection.ask(body=STREAM, key=site.key("free"))
        return answer if answer.body.count(b"data:") == 122 else Answer(0, {}, answer.body)

    def with_sdk() -> None:
        client = openai.OpenAI(
            base_url=f"{site.url}/v1",
            api_key=site.key("free"),
            http_client=site.client(verify=context),
        )
        messages: Any = [{"role": "user", "content": "x"}]
        while not over.is_set():
            try:
                client.chat.completions.create(model="solo", messages=messages)
                seen.asked += 1
            except openai.APIError as error:
                seen.failures.append(repr(error))
            time.sleep(0.1)

    async def all_of_it() -> None:
        worker = asyncio.create_task(asyncio.to_thread(work))
        worker.add_done_callback(lambda _: over.set())
        await asyncio.gather(
            keep_asking([line() for _ in range(clients)], ask, over.is_set, seen.short),
            keep_asking([line() for _ in range(streams)], follow, over.is_set, seen.long),
            *(asyncio.to_thread(with_sdk) for _ in range(SDK_CLIENTS)),
        )
        await worker

    asyncio.run(all_of_it())
    return seen


def reload_often(site: Site) -> None:
    for _ in range(RELOADS):
        time.sleep(1)
        site.run("systemctl reload nginx")
    time.sleep(1)


def test_reloads_fail_no_request(site: Site, record_property: Any) -> None:
    """The raw figure is told for every nginx, and is 0 where nginx can do it."""
    seen = while_asking(site, 200, 20, lambda: reload_often(site))
    record_property(f"{site.host}: {RELOADS} reloads", str(seen))
    assert seen.short.total > 2000
    assert seen.long.total >= 20
    assert seen.asked > 200
    seen.judge(site, exposed=220 * RELOADS)


def asked_with(site: Site, key: str) -> int:
    with site.client() as client:
        header = {"Authorization": f"Bearer {key}"}
        return client.post("/v1/chat/completions", json=BODY, headers=header).status_code


@pytest.fixture(scope="module")
def keys_back(site: Site) -> Iterator[None]:
    """Whatever was rotated out opens again; mostly the renewal's play has seen to that."""
    yield
    if asked_with(site, site.keys["twice"][0]) != 200:
        back = site.play()
        assert back.returncode == 0, back.stdout


@pytest.mark.usefixtures("keys_back")
def test_a_key_is_rotated_under_load(site: Site, record_property: Any) -> None:
    """Old and new open while both are listed; then the old one does not."""
    free = {"name": "free", "tier": "free", "keys": [site.key("free")]}
    old, new = site.keys["twice"]
    played: list[subprocess.CompletedProcess[str]] = []

    def rotate() -> None:
        assert (asked_with(site, old), asked_with(site, new)) == (200, 200)
        entry = {"name": "twice", "tier": "free", "keys": [new]}
        played.append(site.play(gateway_consumers=[free, entry]))

    seen = while_asking(site, 50, 5, rotate)
    record_property(f"{site.host}: a key rotated", str(seen))
    assert played[0].returncode == 0, played[0].stdout
    assert (asked_with(site, old), asked_with(site, new)) == (401, 200)
    seen.judge(site, exposed=55)


def served_serial(site: Site) -> str:
    said = site.run(
        f"openssl s_client -connect 127.0.0.1:443 -servername {site.name} </dev/null 2>/dev/null"
        " | openssl x509 -noout -serial"
    )
    return said.strip()


def master(site: Site) -> str:
    return site.run("systemctl show -p MainPID --value nginx").strip()


@pytest.mark.usefixtures("keys_back")
def test_a_certificate_is_renewed_under_load(site: Site, record_property: Any) -> None:
    """Before its end: the leaf there is has fewer days left than it is to have when renewed."""
    before, process = served_serial(site), master(site)
    leaf = x509.load_pem_x509_certificate(site.ca.with_name(f"{site.name}.crt").read_bytes())
    now = datetime.datetime.now(datetime.timezone.utc)
    days = (leaf.not_valid_after_utc - now).days
    assert days > 30
    played: list[subprocess.CompletedProcess[str]] = []

    def renew() -> None:
        wanted = {"gateway_tls_leaf_days": days + 6, "gateway_tls_renew_days": days + 3}
        played.append(site.play(**wanted))

    seen = while_asking(site, 50, 5, renew)
    record_property(f"{site.host}: a certificate renewed", str(seen))
    assert played[0].returncode == 0, played[0].stdout
    assert served_serial(site) != before
    renewed = x509.load_pem_x509_certificate(site.ca.with_name(f"{site.name}.crt").read_bytes())
    assert int(served_serial(site).partition("=")[2], 16) == renewed.serial_number
    assert renewed.serial_number != leaf.serial_number
    assert master(site) == process, "nginx was restarted"
    seen.judge(site, exposed=55)
