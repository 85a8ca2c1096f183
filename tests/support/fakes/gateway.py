"""The gateway before the TGI in memory, sound unless told otherwise."""

from __future__ import annotations

import gzip
import json
import posixpath
import time
from typing import Any
from urllib.parse import unquote

import httpx

from tests.support.fakes.tgi import Body, FakeTgi

KEY = "sk-Checks-0123456789"
NAME = "llm.example.org"
HSTS = 63072000
LIMIT = 200_000
OPEN = {"open-metrics": "/metrics", "open-docs": "/docs", "open-info": "/info"}
PUBLISHED = (
    "/v1/chat/completions", "/v1/completions", "/generate", "/generate_stream", "/tokenize",
    "/info", "/v1/models", "/",
)  # fmt: skip


class FakeGateway(FakeTgi):
    """The same behind TLS, keys, a limit of 20 a second with a burst of 10, and a redirect.

    It reads paths as nginx does. After ``failures`` POSTs without a good key there is a 429 for
    whatever comes without one.
    """

    def __init__(
        self, *faults: str, rate: float = 20.0, burst: int = 10, failures: int = 999
    ) -> None:
        super().__init__(*faults)
        self.failures = failures
        self.rate, self.burst = rate, burst
        self.level, self.seen = float(burst + 1), time.monotonic()
        self.requests: list[httpx.Request] = []

    async def handle(self, request: httpx.Request) -> httpx.Response:
        self.requests.append(request)
        if request.url.scheme == "http":
            if "no-redirect" in self.faults:
                return httpx.Response(200, json={})
            place = str(request.url).replace("http://", "https://").replace(":8080", "")
            return httpx.Response(308, headers={"location": place})
        answer = await self.gate(request)
        if "no-hsts" not in self.faults:
            seconds = 60 if "short-hsts" in self.faults else HSTS
            answer.headers["strict-transport-security"] = f"max-age={seconds}"
        answer.headers["server"] = "nginx/1.22.1" if "tells-version" in self.faults else "nginx"
        return answer

    async def gate(self, request: httpx.Request) -> httpx.Response:
        raw = request.extensions.get("target", request.url.raw_path).decode()
        path = self.rewritten(request, raw)
        query = raw.partition("?")[1:]
        request.url = request.url.copy_with(raw_path="".join([path, *query]).encode())
        size = int(request.headers.get("content-length", 0))
        if size > (100_000 if "small-body" in self.faults else LIMIT):
            return httpx.Response(100 if "any-size" in self.faults else 413)
        if path == "/health":
            over = "limited-health" in self.faults and self.level < 1
            return httpx.Response(429 if over else 405 if request.method == "POST" else 200)
        if any(fault in self.faults and path == shown for fault, shown in OPEN.items()):
            return httpx.Response(200, json={})
        if "reaches-control" in self.faults and path == "/sleep":
            return httpx.Response(405)
        if path not in PUBLISHED and not path.startswith("/models/small/"):
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
        if "no-fence" in self.faults:
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
        if self.level >= 1 or "no-limit" in self.faults:
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
        if path != "/v1/chat/completions" or request.method != "POST":
            return await super().handle(request)
        body = json.loads(request.content)
        if body["model"] not in ("small", "tiny", "tgi") and "any-model" not in self.faults:
            error = {"message": "no such model", "code": "model_not_found"}
            return httpx.Response(404, json={"error": error})
        if not isinstance(body["messages"], list):
            return httpx.Response(422, text="messages: invalid type: string, expected a sequence")
        answer = await super().handle(request)
        return self.passed_on(request, answer) if body.get("stream") else answer

    def passed_on(self, request: httpx.Request, answer: httpx.Response) -> httpx.Response:
        """The engine's stream as the gateway hands it out."""
        body: Any = answer.stream
        if not isinstance(body, Body):
            return answer
        headers, pieces = dict(answer.headers), body.pieces
        if "merges" in self.faults:
            pieces = ["".join(pieces[at : at + 2]) for at in range(0, len(pieces), 2)]
        if "loses-events" in self.faults:
            pieces = [one for at, one in enumerate(pieces) if at > 17 or at % 3 == 0]
        if "cached" in self.faults:
            headers["age"] = "3"
        if "slow" in self.faults:
            pieces = [": wait\n\n"] * 50 + pieces
        if "holds-gzip" in self.faults and "gzip" in request.headers["accept-encoding"]:
            headers["content-encoding"] = "gzip"
            whole = gzip.compress("".join(pieces).encode())
            return httpx.Response(200, headers=headers, content=whole)
        return httpx.Response(200, headers=headers, stream=Body(pieces, body.pause, body.cut))
