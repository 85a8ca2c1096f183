"""A stream reaches the client as the engine sent it: every event alone, and at once."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from load import Answer, Connection, words
from sites import ENGINES, Site

# Route, body's own fields, whether the route is OpenAI's
ROUTES: list[tuple[str, dict[str, Any]]] = [
    ("/v1/chat/completions", {"model": "solo", "stream": True}),
    ("/v1/completions", {"model": "solo", "stream": True}),
    ("/models/solo/v1/chat/completions", {"stream": True}),
    ("/models/solo/generate_stream", {"inputs": "x"}),
    ("/models/solo/", {"stream": True}),
]
EVENTS, PAUSE = 64, 0.01


def bursts(times: list[float]) -> int:
    """Groups of events with a pause before them; as many as there are events when none waits."""
    gaps = [later - earlier for earlier, later in zip(times, times[1:])]
    edge = max(0.001, sum(gaps) / len(gaps) / 4)
    return 1 + sum(gap > edge for gap in gaps)


async def through(site: Site, path: str, body: dict[str, Any], *headers: str) -> Answer:
    line = Connection(site.address, site.name, site.context())
    asked = {**body, "x_events": EVENTS, "x_pause": PAUSE}
    answer = await line.ask(path, asked, site.key("free"), headers=headers)
    line.close()
    return answer


async def directly(site: Site, path: str, body: dict[str, Any]) -> Answer:
    line = Connection(site.address, site.name, None, ENGINES["three"])
    answer = await line.ask(path, {**body, "x_events": EVENTS, "x_pause": PAUSE})
    line.close()
    return answer


def measure(answer: Answer) -> tuple[float, float]:
    """Give (events per read, bursts per event) of a stream."""
    events, reads = words(answer)
    times = [when for when, data in answer.reads if b"data:" in data]
    return events / reads, bursts(times) / events


@pytest.mark.parametrize("compressed", [False, True])
@pytest.mark.parametrize(("path", "body"), ROUTES)
def test_every_event_arrives_alone(
    site: Site, path: str, body: dict[str, Any], compressed: bool
) -> None:
    headers = ("Accept-Encoding: gzip, deflate, br",) if compressed else ()
    plain = path.removeprefix("/models/solo")
    direct = measure(asyncio.run(directly(site, plain, body)))
    answer = asyncio.run(through(site, path, body, *headers))
    assert answer.status == 200
    assert "content-encoding" not in answer.headers
    merged, spread = measure(answer)
    assert merged <= 1.02, f"{merged:.2f} events a read (direct: {direct[0]:.2f})"
    assert spread >= 0.95 * direct[1], f"{spread:.2f} bursts an event (direct: {direct[1]:.2f})"


@pytest.fixture
def buffering(site: Site) -> Iterator[None]:
    """What the measure must notice: the same gateway with nginx's own defaults."""
    path = site.run("readlink /etc/nginx/nginx.conf").strip()
    edits = ("s/proxy_buffering off/proxy_buffering on/", "s/gzip off/gzip on/")
    types = "gzip_proxied any; gzip_types text\\/event-stream;"
    script = "; ".join([*edits, f"s/gzip on;/gzip on; {types}/"])
    site.run(f"cp {path} /root/kept.conf; sed -i '{script}' {path}; nginx -s reload; sleep 1")
    yield
    site.run(f"cp /root/kept.conf {path}; rm /root/kept.conf; nginx -s reload; sleep 1")


@pytest.mark.usefixtures("buffering")
def test_the_measure_sees_a_proxy_that_buffers(site: Site) -> None:
    path, body = ROUTES[0]
    answer = asyncio.run(through(site, path, body, "Accept-Encoding: gzip"))
    assert answer.headers["content-encoding"] == "gzip"
    reads = len(answer.reads)
    assert EVENTS / reads > 1.02, f"{EVENTS} events in {reads} reads of compressed data"


def rubber_duck(answer: Answer) -> str:
    """Read as that client does: of each network read the last event's text only."""
    text = ""
    for _, data in answer.reads:
        events = [line[5:] for line in data.decode().splitlines() if line.startswith("data:")]
        if events and events[-1].strip() != "[DONE]":
            choices = json.loads(events[-1])["choices"]
            text += choices[0]["delta"]["content"] if choices else ""
    return text


def test_a_client_that_reads_one_event_at_a_time_loses_no_word(site: Site) -> None:
    answer = asyncio.run(through(site, *ROUTES[0]))
    assert rubber_duck(answer) == "".join(f"w{number} " for number in range(1, EVENTS + 1))


def test_a_client_that_goes_away_frees_the_engine(site: Site) -> None:
    async def leave() -> None:
        line = Connection(site.address, site.name, site.context())
        body = {"model": "solo", "stream": True, "x_events": 1000, "x_pause": 0.05}
        await line.send(body=body, key=site.key("free"))
        await asyncio.sleep(0.5)
        assert site.engine("three")["active"] == 1
        line.close()

    asyncio.run(leave())
    left = time.monotonic()
    while site.engine("three")["active"]:
        assert time.monotonic() - left < 5, "the engine still generates for nobody"
        time.sleep(0.02)
    assert site.engine("three")["aborted"] == 1


@pytest.fixture
def second_version(site: Site) -> Iterator[None]:
    played = site.play(gateway_http2=True)
    assert played.returncode == 0, played.stdout
    yield
    assert site.play().returncode == 0


@pytest.mark.usefixtures("second_version")
def test_http2_streams_as_well(site: Site) -> None:
    """A merged read cannot be told in HTTP/2's frames; a late event can."""
    path, body = ROUTES[0]
    asked = {**body, "x_events": EVENTS, "x_pause": PAUSE}
    late = []
    with (
        site.client("free", http2=True) as client,
        client.stream("POST", path, json=asked) as answer,
    ):
        assert answer.http_version == "HTTP/2"
        chunks = 0
        for chunk in answer.iter_raw():
            events = [json.loads(x[5:]) for x in chunk.decode().split("\n\n") if "{" in x]
            late += [time.time() - event["ts"] for event in events]
            chunks += bool(events)
    assert len(late) == EVENTS + 1
    assert chunks >= 0.95 * len(late), f"{chunks} chunks for {len(late)} events"
    assert sorted(late)[int(0.95 * len(late))] < 0.05


def test_http2_is_not_spoken_unless_asked_for(site: Site) -> None:
    with site.client("free", http2=True) as client:
        assert client.get("/v1/models").http_version == "HTTP/1.1"


def test_an_answer_that_breaks_off_is_seen_as_broken(site: Site) -> None:
    """A stream cut by the engine's death is not made to look whole, and is not begun again."""
    body = {"model": "solo", "stream": True, "x_events": 200, "x_pause": 0.02}
    with (
        pytest.raises(httpx.RemoteProtocolError),
        site.client("free") as client,
        client.stream("POST", "/v1/chat/completions", json=body) as answer,
    ):
        for number, _ in enumerate(answer.iter_raw()):
            if number == 3:
                site.run("systemctl kill -s KILL engine@9003")
    site.run("systemctl reset-failed engine@9003; systemctl start engine@9003; sleep 0.5")
