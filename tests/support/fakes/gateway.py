"""A gateway before the emulator, in memory; sound unless it is given a fault."""

from __future__ import annotations

import asyncio
import gzip
import json
import posixpath
import time
from collections.abc import AsyncIterator
from typing import Protocol
from urllib.parse import unquote

import httpx

from tests.support.fakes.spoilt_tgi import SpoiltTgi
from tests.support.in_memory_tgi import PACE, Altered

KEY = "sk-Checks-0123456789"
NAME = "llm.example.org"
HSTS = 63072000
LIMIT = 200_000
PAGE = "https://chat.example.org"
OPEN = {"open-metrics": "/metrics", "open-docs": "/docs", "open-info": "/info"}
PUBLISHED = (
    "/v1/chat/completions", "/v1/completions", "/generate", "/generate_stream", "/tokenize",
    "/info", "/v1/models", "/",
)  # fmt: skip
FAULTS = {
    *OPEN, "any-model", "any-page", "any-size", "cached", "engine-allows", "guards-as-written",
    "holds-gzip", "leaks", "limit-503", "limited-health", "loses-events", "merges", "no-alias",
    "no-guard", "no-header", "no-hsts", "no-limit", "no-list", "no-page",
    "no-redirect", "no-retry-after", "open-bodies", "open-path", "page-without-errors",
    "reaches-control", "refuses-all", "short-hsts", "slow", "small-body", "tells-version",
    "trusts-header", "wrong-key",
}  # fmt: skip


class Engine(Protocol):
    """The engine behind the gateway."""

    async def handle(self, request: httpx.Request) -> httpx.Response: ...


class FakeGateway:
    """TGI behind TLS, keys, a limit of 20 a second with a burst of 10, and a redirect.

    It reads paths as nginx does. After ``failures`` POSTs without a good key there is a 429 for
    whatever comes without one. Faults that are not the gateway's are the engine's.
    """

    def __init__(
        self,
        *faults: str,
        rate: float = 20.0,
        burst: int = 10,
        failures: int = 999,
        tgi: Engine | None = None,
    ) -> None:
        self.faults = {name for name in faults if name in FAULTS}
        self.tgi: Engine = tgi or SpoiltTgi(*[name for name in faults if name not in FAULTS])
        self.failures = failures
        self.rate, self.burst = rate, burst
        self.level, self.seen = float(burst + 1), time.monotonic()
        self.requests: list[httpx.Request] = []

    def transport(self) -> httpx.MockTransport:
        return httpx.MockTransport(self.handle)

    async def handle(self, request: httpx.Request) -> httpx.Response:
        self.requests.append(request)
        if request.url.scheme == "http":
            if "no-redirect" in self.faults:
                return httpx.Response(200, json={})
            place = str(request.url).replace("http://", "https://").replace(":8080", "")
            return httpx.Response(308, headers={"location": place})
        answer = await self.gate(request)
        self.tell_browsers(request, answer)
        if "no-hsts" not in self.faults:
            seconds = 60 if "short-hsts" in self.faults else HSTS
            answer.headers["strict-transport-security"] = f"max-age={seconds}"
        answer.headers["server"] = "nginx/1.22.1" if "tells-version" in self.faults else "nginx"
        return answer

    def tell_browsers(self, request: httpx.Request, answer: httpx.Response) -> None:
        """Hide what the engine says, and name the one page that may call."""
        if "engine-allows" not in self.faults:
            for name in [name for name in answer.headers if name.startswith("access-control-")]:
                del answer.headers[name]
        page, asked = request.headers.get("origin"), request.method == "OPTIONS"
        told = page == PAGE or (page and "any-page" in self.faults)
        if told and (asked or "page-without-errors" not in self.faults):
            answer.headers["access-control-allow-origin"] = page or ""
            answer.headers["access-control-allow-headers"] = "authorization, content-type"

    async def gate(self, request: httpx.Request) -> httpx.Response:
        raw = request.extensions.get("target", request.url.raw_path).decode()
        path = self.rewritten(request, raw)
        query = raw.partition("?")[1:]
        request.url = request.url.copy_with(raw_path="".join([path, *query]).encode())
        if request.method == "OPTIONS":
            page = request.headers.get("origin") == PAGE and "no-page" not in self.faults
            return httpx.Response(204) if page else httpx.Response(405, json={"error": {}})
        request.headers.update({"x-forwarded-for": "192.0.2.1", "x-forwarded-proto": "https"})
        size = int(request.headers.get("content-length", 0))
        if size > (100_000 if "small-body" in self.faults else LIMIT):
            return httpx.Response(100 if "any-size" in self.faults else 413)
        if path == "/health":
            if size and "open-bodies" not in self.faults:
                return httpx.Response(413)
            over = "limited-health" in self.faults and self.level < 1
            return httpx.Response(429) if over else await self.tgi.handle(request)
        if any(fault in self.faults and path == shown for fault, shown in OPEN.items()):
            return httpx.Response(200, json={})
        if "reaches-control" in self.faults and path == "/sleep":
            return httpx.Response(405)
        if path not in PUBLISHED and not path.startswith(("/models/small/", "/v1/models/")):
            return httpx.Response(404, json={"error": {"message": "no route"}})
        if not self.let_in(request, raw):
            self.failures -= request.method == "POST"
            if self.failures < 0 or (self.failures == 0 and request.method == "GET"):
                return httpx.Response(429, headers={"Retry-After": "0"}, json={"error": "limit"})
            headers = {"WWW-Authenticate": "Bearer"} if "no-header" not in self.faults else {}
            said = f"no such key, but {KEY}" if "leaks" in self.faults else "key"
            return httpx.Response(401, json={"error": {"message": said}}, headers=headers)
        if limited := self.limited():
            return limited
        return await self.route(request)

    def rewritten(self, request: httpx.Request, raw: str) -> str:
        if "trusts-header" in self.faults and "x-original-url" in request.headers:
            return request.headers["x-original-url"]
        path = unquote(raw.partition("?")[0])
        return posixpath.normpath(path).replace("//", "/") + "/" * (path[-1:] == "/" != path)

    def let_in(self, request: httpx.Request, raw: str) -> bool:
        given = request.headers.get("authorization", "")
        if "refuses-all" in self.faults:
            return False
        if "no-guard" in self.faults:
            return True
        if "guards-as-written" in self.faults and raw.startswith("//"):
            return True
        if "trusts-header" in self.faults and "x-original-url" in request.headers:
            return True
        if "wrong-key" in self.faults and given.lower() == f"bearer {KEY}".lower():
            return True
        open_path = "open-path" in self.faults and request.url.path == "/generate_stream"
        return given == f"Bearer {KEY}" or open_path

    def limited(self) -> httpx.Response | None:
        now = time.monotonic()
        self.level = min(self.burst + 1, self.level + (now - self.seen) * self.rate)
        self.seen = now
        # A clock that does not run by itself brings exactly what was waited for
        if self.level > 1 - 1e-6 or "no-limit" in self.faults:
            self.level -= 1
            return None
        if "limit-503" in self.faults:
            return httpx.Response(503, text="<html>")
        headers = {} if "no-retry-after" in self.faults else {"Retry-After": "1"}
        return httpx.Response(429, json={"error": {"message": "limit"}}, headers=headers)

    async def route(self, request: httpx.Request) -> httpx.Response:
        path = request.url.path
        if path == "/v1/models":
            ids = [] if "no-list" in self.faults else [{"id": "small"}, {"id": "tiny"}]
            ids = ids[:1] if "no-alias" in self.faults else ids
            return httpx.Response(200, json={"object": "list", "data": ids})
        if path.startswith("/models/small/"):
            request.url = request.url.copy_with(path=path[len("/models/small") :])
        if path == "/v1/chat/completions" and request.method == "POST":
            body = json.loads(request.content)
            if body["model"] not in ("small", "tiny", "tgi") and "any-model" not in self.faults:
                error = {"message": "no such model", "code": "model_not_found"}
                return httpx.Response(404, json={"error": error})
        if "slow" in self.faults and b'"stream": true' in request.content:
            late = httpx.Response(200, content=self.late(request))
            late.headers["content-type"] = "text/event-stream"
            return late
        return self.passed_on(request, await self.tgi.handle(request))

    async def late(self, request: httpx.Request) -> AsyncIterator[bytes]:
        """Yield comments first, and ask the engine only then."""
        for _ in range(50):
            await asyncio.sleep(PACE)
            yield b": wait\n\n"
        answer = await self.tgi.handle(request)
        async for piece in answer.aiter_raw():
            yield piece

    def passed_on(self, request: httpx.Request, answer: httpx.Response) -> httpx.Response:
        """Return the engine's stream as the gateway passes it on."""
        if not answer.headers.get("content-type", "").startswith("text/event-stream"):
            return answer
        headers, pieces = dict(answer.headers), answer.aiter_raw()
        if "cached" in self.faults:
            headers["age"] = "3"
        if "merges" in self.faults:
            pieces = merged(pieces)
        if "loses-events" in self.faults:
            pieces = thinned(pieces)
        if "holds-gzip" in self.faults and "gzip" in request.headers["accept-encoding"]:
            headers["content-encoding"] = "gzip"
            pieces = zipped(pieces)
        return httpx.Response(200, headers=headers, stream=Altered(answer, pieces))


async def merged(pieces: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    """Yield two pieces at a time."""
    held = b""
    async for piece in pieces:
        if held:
            yield held + piece
            held = b""
        else:
            held = piece
    if held:
        yield held


async def thinned(pieces: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    """Yield one piece of three, until the 18th."""
    number = 0
    async for piece in pieces:
        if number > 17 or number % 3 == 0:
            yield piece
        number += 1


async def zipped(pieces: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    """Yield everything at once, at the end."""
    yield gzip.compress(b"".join([piece async for piece in pieces]))
