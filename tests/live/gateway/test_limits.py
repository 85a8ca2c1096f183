"""Check that limits let in what they say, no more and no less, and that other consumers notice
nothing.
"""

from __future__ import annotations

import asyncio
import json
import socket
import time
from collections import Counter
from collections.abc import Callable
from typing import Any, NamedTuple

import httpx
import pytest

from tests.support.live.load import Answer, Connection, Tally
from tests.support.live.nginx_on_host import ACCESS_LOG, since, size
from tests.support.live.sites import CAPPED, Site

RATE, BURST = 20, 10
SECONDS = 6.0
# Asks from the host itself, so from an address that is no balancer's
BESIDE = """
import socket, ssl
context = ssl.create_default_context()
context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
raw = socket.create_connection(("127.0.0.1", 443))
raw.sendall(FIRST)
with context.wrap_socket(raw, server_hostname="NAME") as tls:
    tls.sendall(b"GET /info HTTP/1.0\\r\\nHost: NAME\\r\\n\\r\\n")
    print(tls.recv(100))
"""


def connections(site: Site, count: int, preface: bytes = b"") -> list[Connection]:
    context = site.context()
    return [Connection(site.address, site.name, context, preface=preface) for _ in range(count)]


class Span(NamedTuple):
    """Seconds from the first request until the last one was sent, and until it was answered."""

    asked: float
    answered: float


async def flood(
    site: Site, key: str, seconds: float, answers: list[Answer], preface: bytes = b""
) -> Span:
    """Ask as fast as 8 connections can."""
    lines = connections(site, 8, preface)
    for line in lines:
        await line.open()
    began = time.monotonic()
    asked = 0.0

    async def work(line: Connection) -> None:
        nonlocal asked
        while (now := time.monotonic() - began) < seconds:
            asked = now
            answers.append(await line.ask("/v1/models", key=key, method="GET"))

    await asyncio.gather(*(work(line) for line in lines))
    answered = time.monotonic() - began
    for line in lines:
        line.close()
    return Span(asked, answered)


def assert_admitted(answers: list[Answer], burst: int, rate: float, span: Span) -> None:
    """Check that admitted requests are within 1 or 2 % of burst + rate x time."""
    admitted = sum(answer.status == 200 for answer in answers)
    least, most = (burst + rate * seconds for seconds in span)
    slack = max(2, most / 100)
    assert least - slack <= admitted <= most + slack, f"{admitted} of {least:.1f} to {most:.1f}"


async def patient(
    site: Site, key: str, seconds: float, answers: list[Answer], preface: bytes = b""
) -> None:
    """Ask as another consumer, well below its own limit."""
    (line,) = connections(site, 1, preface)
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        answers.append(await line.ask("/v1/models", key=key, method="GET"))
        await asyncio.sleep(0.15)
    line.close()


def well_formed(answer: Answer) -> bool:
    error: dict[str, Any] = answer.json()["error"]
    named = (error["type"], error["code"], error["param"])
    return (
        named == ("requests", "rate_limit_exceeded", None)
        and bool(error["message"])
        and int(answer.headers["retry-after"]) >= 1
        and answer.headers["content-type"].startswith("application/json")
    )


def test_a_rate_admits_what_it_says_and_leaves_other_consumers_alone(site: Site) -> None:
    asked: list[Answer] = []
    others: list[Answer] = []

    async def both() -> Span:
        spent, _ = await asyncio.gather(
            flood(site, site.key("slow"), SECONDS, asked),
            patient(site, site.key("other"), SECONDS, others),
        )
        return spent

    span = asyncio.run(both())
    refused = [answer for answer in asked if answer.status != 200]
    assert len(asked) >= 10 * RATE * span.answered, f"only {len(asked)} requests in {span}"
    assert_admitted(asked, BURST, RATE, span)
    assert {answer.status for answer in refused} == {429}
    assert all(map(well_formed, refused))
    assert {answer.status for answer in others} == {200}


def test_generations_at_a_time_are_capped_exactly(site: Site) -> None:
    body = {"model": "solo", "stream": True, "x_events": 10, "x_pause": 0.1}

    async def together() -> Tally:
        tally = Tally()
        lines = connections(site, 20)
        for line in lines:
            await line.open()

        async def once(line: Connection) -> None:
            tally.statuses[(await line.ask(body=body, key=site.key(CAPPED))).status] += 1

        await asyncio.gather(*map(once, lines))
        return tally

    tally = asyncio.run(together())
    assert tally.statuses == {200: 4, 429: 16}
    assert site.engine("three")["peak"] == 4


def test_a_slot_is_free_soon_after_a_client_left(site: Site) -> None:
    body = {"model": "solo", "stream": True, "x_events": 200, "x_pause": 0.1}

    async def leave() -> float:
        lines = connections(site, 5)
        for line in lines[:4]:
            await line.send(body=body, key=site.key(CAPPED))
        await asyncio.sleep(0.5)
        refused = await lines[4].ask(body={"model": "solo"}, key=site.key(CAPPED))
        assert refused.status == 429
        lines[0].close()
        left = time.monotonic()
        while (await lines[4].ask(body={"model": "solo"}, key=site.key(CAPPED))).status == 429:
            assert time.monotonic() - left < 5, "the slot was never free"
            await asyncio.sleep(0.01)
        spent = time.monotonic() - left
        for line in lines:
            line.close()
        return spent

    spent = asyncio.run(leave())
    assert spent <= 0.2, f"{spent * 1000:.0f} ms"


def test_wrong_keys_run_dry_and_good_ones_from_there_do_not(site: Site) -> None:
    answers: list[Answer] = []

    async def guess() -> Answer:
        await flood(site, "a-key-of-no-consumer", 1.0, answers)
        (line,) = connections(site, 1)
        good = await line.ask("/v1/models", key=site.key("free"), method="GET")
        line.close()
        return good

    good = asyncio.run(guess())
    statuses = [answer.status for answer in answers]
    assert set(statuses) == {401, 429}
    assert abs(statuses.count(401) - 55) <= 7, f"{statuses.count(401)} of 50 + 5 a second"
    assert good.status == 200


@pytest.fixture(scope="module")
def balanced(site: Site, other_settings: Callable[..., Site]) -> Site:
    """Put the gateway behind a balancer that speaks the PROXY protocol, with a site's own
    certificate as text.
    """
    state, name = site.ca.parent, site.name
    tls = {
        "source": "content",
        "certificate_content": (state / f"{name}.crt").read_text(),
        "key_content": (state / f"{name}.key").read_text(),
        "root": str(site.ca),
    }
    with socket.create_connection((site.address, 443)) as line:
        balancer = line.getsockname()[0]
    return other_settings(
        gateway_tls=tls,
        gateway_real_ip_header="proxy_protocol",
        gateway_trusted_proxies=[f"{balancer}/32"],
        gateway_address_limit={"requests_per_second": 10, "burst": 5, "concurrent": 3},
    )


def client_at(address: str) -> bytes:
    return f"PROXY TCP4 {address} 192.0.2.1 40000 443\r\n".encode()


def test_one_address_has_a_limit_whatever_its_keys(balanced: Site) -> None:
    """The client's address counts, not the balancer's, from which all of them come."""
    asked: list[Answer] = []
    others: list[Answer] = []
    start = size(balanced, ACCESS_LOG)
    busy, calm = client_at("198.51.100.7"), client_at("198.51.100.8")

    async def both() -> Span:
        *spent, _ = await asyncio.gather(
            flood(balanced, balanced.key("free"), 2.0, asked, busy),
            flood(balanced, balanced.key("twice"), 2.0, asked, busy),
            patient(balanced, balanced.key("free"), 2.0, others, calm),
        )
        return Span(*(max(side) for side in zip(*spent)))

    assert_admitted(asked, 5, 10, asyncio.run(both()))
    assert all(well_formed(answer) for answer in asked if answer.status != 200)
    assert len(others) > 5
    assert {answer.status for answer in others} == {200}
    logged = [json.loads(line)["ip"] for line in since(balanced, start, len(asked) + len(others))]
    assert Counter(logged) == {"198.51.100.7": len(asked), "198.51.100.8": len(others)}


def test_who_is_no_balancer_does_not_say_whose_connection_it_is(balanced: Site) -> None:
    start = size(balanced, ACCESS_LOG)
    script = BESIDE.replace("NAME", balanced.name).replace("FIRST", repr(client_at("203.0.113.9")))
    assert "401 Unauthorized" in balanced.run("python3 -", given=script)
    assert json.loads(since(balanced, start, 1)[0])["ip"] == "127.0.0.1"
    # Nor is anybody served who says nothing
    with pytest.raises(httpx.TransportError), balanced.client("free") as client:
        client.get("/v1/models")


def test_a_dry_run_lets_all_pass_and_tells_the_log(graded_dry: Site) -> None:
    asked: list[Answer] = []
    asyncio.run(flood(graded_dry, graded_dry.key("slow"), 1.0, asked))
    assert {answer.status for answer in asked} == {200}
    log = graded_dry.run("tail -n 500 /var/log/nginx/tgi-gateway-access.log")
    assert "REJECTED_DRY_RUN" in log
