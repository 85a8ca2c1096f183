"""Check that all events of a stream arrive without delay, and that its end frees the engine."""

from __future__ import annotations

import asyncio
import time
from statistics import median
from typing import Any

import pytest

from tests.support.live.sites import Site
from tests.support.live.streams import ROUTES, asked, connection_to, delays, p95

CLIENTS, EVENTS = 4, 100
TRIES, MOST_TRIES = 5, 15


async def several(site: Site, replica: str = "") -> tuple[list[float], list[float]]:
    """Read several streams at once: return seconds to each first event, and the delay of all
    events.

    With an engine's name, ask that engine and not the gateway.
    """
    lines = [connection_to(site, replica) for _ in range(CLIENTS)]
    path, body = asked("chat", x_events=EVENTS, x_pause=0.008)
    key = "" if replica else site.key("free")

    async def one(number: int) -> tuple[float, list[float]]:
        # Not all at once, or each waits for the engine to have served the others
        await asyncio.sleep(number * 0.0025)
        began = time.time()
        answer = await lines[number].ask(path, body, key)
        found = delays(answer.reads)
        assert (answer.status, len(found)) == (200, EVENTS + 1)
        return next(when for when, data in answer.reads if b"data:" in data) - began, found

    for line in lines:
        await line.open()
    told = await asyncio.gather(*map(one, range(CLIENTS)))
    for line in lines:
        line.close()
    return [first for first, _ in told], [delay for _, found in told for delay in found]


def test_events_and_the_first_one_come_as_soon_as_they_can(
    site: Site, record_property: Any
) -> None:
    """The median of several tries counts; a busy machine may need a few more tries."""
    firsts: list[float] = []
    later: list[float] = []
    for number in range(1, MOST_TRIES + 1):
        (first, late), (own_first, own) = (
            asyncio.run(several(site, replica)) for replica in ("", "three")
        )
        firsts.append(p95(first) - p95(own_first))
        later.append(p95(late) - p95(own))
        begun, flowing = median(firsts[-TRIES:]), median(later[-TRIES:])
        if number >= TRIES and begun <= 0.015 and flowing <= 0.002:
            break
    told = f"first event {begun * 1000:.1f} ms, any event {flowing * 1000:.2f} ms"
    record_property(f"{site.host}: p95 added to a stream, {number} tries", told)
    assert begun <= 0.015, firsts
    assert flowing <= 0.002, later


@pytest.mark.parametrize("name", ROUTES)
def test_a_client_that_goes_away_frees_the_engine(
    site: Site, name: str, record_property: Any
) -> None:
    """Usually at once, and never later than 5 s."""
    path, body = asked(name, x_events=1000, x_pause=0.05)

    def engines(what: str) -> list[Any]:
        return [site.engine(one)[what] for one in ("one", "two", "three")]

    async def leave() -> float:
        line = connection_to(site)
        try:
            await line.send(path, body, site.key("free"))
            asked_at = time.time()
            while sum(engines("active")) != 1:
                assert time.time() - asked_at < 5, "the stream does not begin"
                await asyncio.sleep(0.05)
        finally:
            left = time.time()
            line.close()
        # What closes it runs now, before what blocks
        await asyncio.sleep(0.001)
        while True:
            ended: list[float] = [when for aborts in engines("aborts") for when in aborts]
            if ended and max(ended) >= left:
                return max(ended) - left
            assert time.time() - left < 5, "the engine still generates for a client that left"
            await asyncio.sleep(0.02)

    spent = [asyncio.run(leave()) for _ in range(3)]
    told = f"{median(spent) * 1000:.0f} ms"
    record_property(f"{site.host}: a client gone, {name}: noticed after", told)
    assert median(spent) <= 0.1, spent
