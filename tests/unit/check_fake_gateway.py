"""The gateway before the TGI in memory, sound unless told otherwise."""

from __future__ import annotations

import json
import time

import httpx
from check_fakes import FakeTgi

KEY = "sk-Checks-0123456789"
NAME = "llm.example.org"


class FakeGateway(FakeTgi):
    """The same behind TLS, keys, a limit of 20 a second with a burst of 10, and a redirect.

    After ``failures`` POSTs without a good key there is a 429 for whatever comes without one.
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
        path = request.url.path
        if request.url.scheme == "http":
            if "no-redirect" in self.faults:
                return httpx.Response(200, json={})
            place = str(request.url).replace("http://", "https://").replace(":8080", "")
            return httpx.Response(308, headers={"location": place})
        if path == "/health":
            return httpx.Response(200)
        if path == "/metrics":
            return httpx.Response(200 if "open-metrics" in self.faults else 404, json={})
        if not self.let_in(request):
            self.failures -= request.method == "POST"
            if self.failures < 0 or (self.failures == 0 and request.method == "GET"):
                return httpx.Response(429, headers={"Retry-After": "0"}, json={"error": "limit"})
            headers = {"WWW-Authenticate": "Bearer"} if "no-header" not in self.faults else {}
            return httpx.Response(401, json={"error": {"message": "key"}}, headers=headers)
        if limited := self.limited():
            return limited
        return await self.route(request)

    def let_in(self, request: httpx.Request) -> bool:
        given = request.headers.get("authorization", "")
        if "refuses-all" in self.faults:
            return False
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
        if path == "/v1/chat/completions" and "any-model" not in self.faults:
            name = json.loads(request.content)["model"]
            if name not in ("small", "tiny", "tgi"):
                error = {"message": "no such model", "code": "model_not_found"}
                return httpx.Response(404, json={"error": error})
        return await super().handle(request)
