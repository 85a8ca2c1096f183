"""Measure a stream as its client sees it: events, the reads that brought them, and when."""

from __future__ import annotations

import asyncio
import re
import time
from typing import Any

from tests.support.live.load import Connection
from tests.support.live.sites import ENGINES, Site

#: What a client asked of a gateway, its body, and the engine that answers first. ``pair`` has two
#: replicas, so its requests pass by the drain flags; it is the default model, too.
ROUTES: dict[str, tuple[str, dict[str, Any], str]] = {
    "chat": ("/v1/chat/completions", {"model": "solo"}, "three"),
    "completions": ("/v1/completions", {"model": "solo"}, "three"),
    "chat, replicated": ("/v1/chat/completions", {"model": "pair"}, "one"),
    "native": ("/generate_stream", {"inputs": "x"}, "one"),
    "native root": ("/", {"inputs": "x"}, "one"),
    "chat by path": ("/models/solo/v1/chat/completions", {}, "three"),
    "native by path": ("/models/solo/generate_stream", {"inputs": "x"}, "three"),
    "native by path, replicated": ("/models/pair/generate_stream", {"inputs": "x"}, "one"),
    "root by path": ("/models/solo/", {"inputs": "x"}, "three"),
}
EVENTS, PAUSE = 50, 0.01
_STAMP = re.compile(rb'"ts": ?([0-9.]+)')
Reads = list[tuple[float, bytes]]


def asked(name: str, **more: Any) -> tuple[str, dict[str, Any]]:
    """Return a route's path and its body, for a stream of EVENTS events."""
    path, body, _ = ROUTES[name]
    return path, {"x_events": EVENTS, "x_pause": PAUSE, "stream": True, **body, **more}


def bursts(times: list[float]) -> int:
    """Count groups of events with a pause before them: as many as events when none waits."""
    gaps = [later - earlier for earlier, later in zip(times, times[1:])]
    if not gaps:
        return 1
    edge = max(0.001, sum(gaps) / len(gaps) / 4)
    return 1 + sum(gap > edge for gap in gaps)


def measure(reads: Reads) -> tuple[float, float]:
    """Return (events per read, bursts per event) of a stream."""
    counts = [(when, data.count(b"data:")) for when, data in reads if b"data:" in data]
    events = sum(count for _, count in counts)
    return events / len(counts), bursts([when for when, _ in counts]) / events


def delays(reads: Reads) -> list[float]:
    """Return the seconds from the engine's stamp on each event to the read that brought it."""
    return [when - float(stamp) for when, data in reads for stamp in _STAMP.findall(data)]


def p95(values: list[float]) -> float:
    return sorted(values)[int(0.95 * (len(values) - 1))]


def connection_to(site: Site, replica: str = "") -> Connection:
    """Return a connection to the gateway, or directly to an engine."""
    if replica:
        return Connection(site.address, site.name, None, ENGINES[replica])
    return Connection(site.address, site.name, site.context())


async def read(line: Connection, path: str, body: dict[str, Any], *said: str, key: str) -> Any:
    """Return the answer to one request for a stream."""
    answer = await line.ask(path, body, key, headers=said)
    line.close()
    assert answer.status == 200, answer.body
    return answer


def through(site: Site, name: str, *said: str, consumer: str = "free") -> Any:
    """Return the gateway's answer to a request with more headers."""
    path, body = asked(name)
    line = connection_to(site)
    return asyncio.run(read(line, path, body, *said, key=site.key(consumer)))


def directly(site: Site, name: str) -> Reads:
    """Return the reads of the same stream without the gateway."""
    path, body = asked(name)
    plain = re.sub("^/models/[a-z]+", "", path)
    line = connection_to(site, ROUTES[name][2])
    return list(asyncio.run(read(line, plain, body, key="")).reads)


def by_http2(site: Site, name: str) -> tuple[Reads, dict[str, str]]:
    """Return the frames of a stream over HTTP/2 with compression allowed, and the answer's
    headers.
    """
    path, body = asked(name)
    encodings = {"Accept-Encoding": "gzip, deflate, br"}
    with (
        site.client("free", http2=True, headers=encodings) as client,
        client.stream("POST", path, json=body) as answer,
    ):
        assert (answer.status_code, answer.http_version) == (200, "HTTP/2")
        frames = [(time.time(), chunk) for chunk in answer.iter_raw()]
    return frames, dict(answer.headers)
