"""Check that neither slow senders nor a new nginx process hold other clients up."""

from __future__ import annotations

import asyncio
import subprocess
import time
from collections import Counter
from typing import Any

from tests.support.live.load import CHAT, Answer, Connection, Tally, keep_asking
from tests.support.live.nginx_on_host import master, old_master
from tests.support.live.sites import CAPPED, Site

TIMEOUT = 10
#: Seconds more that a busy machine may take to see an end.
GRACE = 15
SECONDS = 6


def line_to(site: Site) -> Connection:
    return Connection(site.address, site.name, site.context())


async def dripping(site: Site, head: str, drop: bytes, tls: Any) -> tuple[float, bytes]:
    """Send a head and then a drop a second; return (seconds until the end, the answer)."""
    began = time.monotonic()
    reader, writer = await asyncio.open_connection(
        site.address, 443, ssl=tls, server_hostname=site.name
    )
    writer.write(head.encode())
    answered = asyncio.create_task(reader.read(12))
    while not answered.done() and time.monotonic() - began < TIMEOUT + GRACE:
        await asyncio.wait({answered}, timeout=1)
        if drop and not answered.done():
            writer.write(drop)
    spent = time.monotonic() - began
    answered.cancel()
    said = (await asyncio.gather(answered, return_exceptions=True))[0]
    writer.transport.abort()
    return spent, said if isinstance(said, bytes) else b""


async def patient(site: Site) -> list[float]:
    """Ask 20 times while others are slow; return the seconds that each took."""
    line, took = line_to(site), []
    for _ in range(20):
        began = time.monotonic()
        assert (await line.ask(body={"model": "solo"}, key=site.key("free"))).status == 200
        took.append(time.monotonic() - began)
        await asyncio.sleep(0.4)
    line.close()
    return took


def test_slow_senders_are_dropped_in_time_and_delay_no_other_client(site: Site) -> None:
    """A body that keeps dripping has a good key, and counts among its concurrent requests."""
    tls = site.context()
    head = f"POST {CHAT} HTTP/1.1\r\nHost: {site.name}\r\n"
    body = "Content-Length: 1000\r\nContent-Type: application/json\r\n\r\n{"
    free, four = (f"Authorization: Bearer {site.key(name)}\r\n" for name in ("free", CAPPED))
    # (how many, what each sends at first, and then every second)
    kinds = [(310, f"{head}X-A: a", b"a"), (50, f"{head}{free}{body}", b"")]
    kinds += [(20, f"{head}{four}{body}", b" "), (20, f"{head}{body}", b" ")]

    async def everybody() -> Any:
        slow = [[dripping(site, text, drop, tls) for _ in range(n)] for n, text, drop in kinds]
        return await asyncio.gather(patient(site), *(asyncio.gather(*kind) for kind in slow))

    took, headers, stalled, capped, strangers = asyncio.run(everybody())
    # Held up until the slow ones are dropped, it would take as long as they do
    assert max(took) < TIMEOUT - 2, f"{max(took):.2f} s"
    for kind in (headers, stalled):
        ends = Counter((round(spent), said) for spent, said in kind)
        assert all(TIMEOUT - 1 <= spent < TIMEOUT + GRACE for spent, _ in kind), ends
        assert {said for _, said in kind} == {b""}, ends
    # Without a key a body is not waited for, and with one for no more of them than are allowed
    assert {said[9:] for _, said in strangers} <= {b"401", b"429"}, strangers
    assert all(spent < TIMEOUT - 1 for spent, _ in strangers), strangers
    assert Counter(said[9:] for _, said in capped) == {b"": 4, b"429": 16}


def test_a_new_process_takes_over_and_no_new_connection_fails(site: Site) -> None:
    before, tally, ends = master(site), Tally(), time.monotonic() + SECONDS

    async def once(line: Connection) -> Answer:
        line.close()
        await asyncio.sleep(0.02)
        return await line.ask(body={"model": "solo"}, key=site.key("free"))

    async def both() -> Answer:
        stream = {"model": "solo", "stream": True, "x_events": SECONDS * 10, "x_pause": 0.1}
        whole = asyncio.create_task(line_to(site).ask(body=stream, key=site.key("free")))
        load = [line_to(site) for _ in range(4)]
        asking = asyncio.create_task(
            keep_asking(load, once, lambda: time.monotonic() > ends, tally)
        )
        await asyncio.sleep(1.5)
        call = ["docker", "exec", site.container, "invoke-rc.d", "nginx", "upgrade"]
        await asyncio.to_thread(subprocess.run, call, check=True, capture_output=True)
        await asking
        return await whole

    stream = asyncio.run(both())
    assert master(site) != before
    assert tally.failed == 0, str(tally)
    assert tally.total > 100, str(tally)
    assert stream.body.count(b"data:") == SECONDS * 10 + 2
    deadline = time.monotonic() + 20
    while old_master(site):
        assert time.monotonic() < deadline
        time.sleep(0.2)
