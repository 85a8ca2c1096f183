"""Check that every event of a stream reaches the client alone, as the engine sent it."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import Any

import httpx
import pytest

from tests.support.live.load import Answer
from tests.support.live.sites import Site
from tests.support.live.streams import (
    EVENTS,
    ROUTES,
    Reads,
    asked,
    by_http2,
    delays,
    directly,
    measure,
    p95,
    through,
)
from tests.support.live.token_budget import WITH_BUDGETS

GZIP = "Accept-Encoding: gzip, deflate, br"
#: A busy machine merges what it reads and never splits it, so the best of these is the gateway's
TRIES = 10
routes = pytest.mark.parametrize("name", ROUTES)


@pytest.fixture(scope="session")
def direct(site: Site) -> dict[str, tuple[float, float]]:
    """Measure the engines themselves, on each route."""
    return {name: measure(directly(site, name)) for name in ROUTES}


def judge(take: Callable[[], Reads], direct: tuple[float, float]) -> None:
    """Fail when events are merged or delayed more than they are without the gateway."""
    seen = []
    for _ in range(TRIES):
        merged, spread = measure(take())
        seen.append(f"{merged:.2f} events a read, {spread:.2f} bursts an event")
        if merged <= 1.02 and spread >= 0.95 * direct[1]:
            return
    raise AssertionError(f"{'; '.join(seen)} (direct: {direct[0]:.2f}, {direct[1]:.2f})")


@pytest.mark.parametrize(("name", "said"), [("chat", ()), *((name, (GZIP,)) for name in ROUTES)])
def test_every_event_arrives_alone(site: Site, name: str, said: Any, direct: Any) -> None:
    def take() -> Reads:
        answer = through(site, name, *said)
        assert "content-encoding" not in answer.headers
        return list(answer.reads)

    judge(take, direct[name])


@pytest.fixture
def buffering(site: Site, request: pytest.FixtureRequest) -> Iterator[None]:
    """Return the same gateway with nginx's own buffering, which the measure must notice."""
    path = site.run("readlink /etc/nginx/nginx.conf").strip()
    site.run(
        f"cp {path} /root/kept.conf; sed -i '{request.param}' {path}; nginx -s reload; sleep 1"
    )
    yield
    site.run(f"cp /root/kept.conf {path}; rm /root/kept.conf; nginx -s reload; sleep 1")


@pytest.mark.parametrize(
    "buffering", ["s/proxy_buffering off/proxy_buffering on/"], indirect=True, ids=["on"]
)
@pytest.mark.usefixtures("buffering")
def test_the_measures_see_a_proxy_that_buffers(site: Site, direct: Any) -> None:
    reads = through(site, "chat").reads
    merged, spread = measure(reads)
    assert merged > 1.02, f"{merged:.2f} events a read"
    assert spread < 0.95 * direct["chat"][1], f"{spread:.2f} bursts an event"
    late = p95(delays(reads)) - p95(delays(directly(site, "chat")))
    assert late > 0.002, f"{late * 1000:.1f} ms"


@pytest.mark.parametrize(
    "buffering",
    ["s/gzip off;/gzip on; gzip_proxied any; gzip_types text\\/event-stream;/"],
    indirect=True,
    ids=["gzip"],
)
@pytest.mark.usefixtures("buffering")
def test_compression_would_be_seen(site: Site) -> None:
    assert through(site, "chat", GZIP).headers["content-encoding"] == "gzip"


def rubber_duck(answer: Answer) -> str:
    """Read as that client does: keep the last event of each network read."""
    text = ""
    for _, data in answer.reads:
        events = [line[5:] for line in data.decode().splitlines() if line.startswith("data:")]
        if events and events[-1].strip() != "[DONE]":
            choices = json.loads(events[-1])["choices"]
            text += choices[0]["delta"]["content"] if choices else ""
    return text


def test_a_client_that_reads_one_event_at_a_time_loses_no_word(site: Site) -> None:
    whole = "".join(f"w{number} " for number in range(1, EVENTS + 1))
    assert whole in (rubber_duck(through(site, "chat")) for _ in range(TRIES))


def test_an_answer_that_breaks_off_is_seen_as_broken(site: Site) -> None:
    """The gateway neither completes nor restarts a stream whose engine died."""
    path, body = asked("chat", x_events=200, x_pause=0.02)
    with (
        pytest.raises(httpx.RemoteProtocolError),
        site.client("free") as client,
        client.stream("POST", path, json=body) as answer,
    ):
        for number, _ in enumerate(answer.iter_raw()):
            if number == 3:
                site.run("systemctl kill -s KILL engine@9003")
    site.run("systemctl reset-failed engine@9003; systemctl start engine@9003; sleep 0.5")


def test_http2_is_not_spoken_unless_asked_for(site: Site) -> None:
    with site.client("free", http2=True) as client:
        assert client.get("/v1/models").http_version == "HTTP/1.1"


@pytest.mark.hosts(*WITH_BUDGETS)
@routes
def test_every_event_arrives_alone_though_its_tokens_are_counted(
    counted: Site, name: str, direct: Any
) -> None:
    judge(lambda: list(through(counted, name, GZIP).reads), direct[name])


@routes
def test_every_event_arrives_alone_over_http2(counted: Site, name: str, direct: Any) -> None:
    def take() -> Reads:
        frames, headers = by_http2(counted, name)
        assert "content-encoding" not in headers
        return frames

    judge(take, direct[name])
