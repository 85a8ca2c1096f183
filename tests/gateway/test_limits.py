"""Limits let in what they say, no more and no less, and touch nobody else."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator
from typing import Any

import pytest
from load import Answer, Connection, Tally
from sites import Site

RATE, BURST = 20, 10
SECONDS = 6.0


def connections(site: Site, count: int) -> list[Connection]:
    context = site.context()
    return [Connection(site.address, site.name, context) for _ in range(count)]


async def flood(
    site: Site, key: str, seconds: float, answers: list[Answer], path: str = "/v1/models"
) -> float:
    """Ask as fast as 8 connections can; gives the seconds from the first to the last request."""
    lines = connections(site, 8)
    for line in lines:
        await line.open()
    began = time.monotonic()

    async def work(line: Connection) -> None:
        while time.monotonic() - began < seconds:
            answers.append(await line.ask(path, key=key, method="GET"))

    await asyncio.gather(*(work(line) for line in lines))
    for line in lines:
        line.close()
    return time.monotonic() - began


async def patient(site: Site, key: str, seconds: float, answers: list[Answer]) -> None:
    """Another consumer, well below its own limit."""
    (line,) = connections(site, 1)
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        answers.append(await line.ask("/v1/models", key=key, method="GET"))
        await asyncio.sleep(0.1)
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


def test_a_rate_admits_what_it_says_and_touches_nobody_else(site: Site) -> None:
    asked: list[Answer] = []
    others: list[Answer] = []

    async def both() -> float:
        spent, _ = await asyncio.gather(
            flood(site, site.key("slow"), SECONDS, asked),
            patient(site, site.key("other"), SECONDS, others),
        )
        return spent

    spent = asyncio.run(both())
    admitted = sum(answer.status == 200 for answer in asked)
    refused = [answer for answer in asked if answer.status != 200]
    expected = BURST + RATE * spent
    assert len(asked) >= 10 * RATE * spent, f"only {len(asked)} requests in {spent:.1f} s"
    assert abs(admitted - expected) <= max(2, expected / 100), f"{admitted} of {expected:.1f}"
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
            tally.statuses[(await line.ask(body=body, key=site.key("four"))).status] += 1

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
            await line.send(body=body, key=site.key("four"))
        await asyncio.sleep(0.5)
        refused = await lines[4].ask(body={"model": "solo"}, key=site.key("four"))
        assert refused.status == 429
        lines[0].close()
        left = time.monotonic()
        while (await lines[4].ask(body={"model": "solo"}, key=site.key("four"))).status == 429:
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
        await flood(site, "a-key-that-nobody-has", 1.0, answers)
        (line,) = connections(site, 1)
        good = await line.ask("/v1/models", key=site.key("free"), method="GET")
        line.close()
        return good

    good = asyncio.run(guess())
    statuses = [answer.status for answer in answers]
    assert set(statuses) == {401, 429}
    assert abs(statuses.count(401) - 55) <= 7, f"{statuses.count(401)} of 50 + 5 a second"
    assert good.status == 200


@pytest.fixture
def usual(site: Site) -> Iterator[None]:
    yield
    back = site.play()
    assert back.returncode == 0, back.stdout


@pytest.mark.usefixtures("usual")
def test_one_address_has_a_limit_whatever_its_keys(site: Site) -> None:
    limited = {"requests_per_second": 10, "burst": 5, "concurrent": 3}
    played = site.play(gateway_address_limit=limited)
    assert played.returncode == 0, played.stdout
    asked: list[Answer] = []

    async def both() -> float:
        return max(
            await asyncio.gather(
                flood(site, site.key("free"), 2.0, asked),
                flood(site, site.key("twice"), 2.0, asked),
            )
        )

    spent = asyncio.run(both())
    admitted = sum(answer.status == 200 for answer in asked)
    expected = 5 + 10 * spent
    assert abs(admitted - expected) <= 2, f"{admitted} of {expected:.1f}"


@pytest.mark.usefixtures("usual")
def test_a_dry_run_lets_all_pass_and_tells_the_log(site: Site) -> None:
    played = site.play(gateway_limits_dry_run=True)
    assert played.returncode == 0, played.stdout
    asked: list[Answer] = []
    asyncio.run(flood(site, site.key("slow"), 1.0, asked))
    assert {answer.status for answer in asked} == {200}
    log = site.run("tail -n 500 /var/log/nginx/tgi-gateway-access.log")
    assert "REJECTED_DRY_RUN" in log
