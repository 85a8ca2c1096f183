"""Run the emulator without a socket, as an httpx transport that streams and notices clients that
leave.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Iterator, Mapping
from typing import Any

import httpx
from ansible.module_utils.tgi.checks.selection import Model
from tgi_emulator.api.app import create_app
from tgi_emulator.api.backend import Backend
from tgi_emulator.api.metrics import Metrics
from tgi_emulator.faults.faults import Faults, parse_fault
from tgi_emulator.source.text_scripted import ScriptedText
from tgi_emulator.start.args import parse
from tgi_emulator.start.limits import find_limits
from tgi_emulator.start.logs import Log

SHA = "0123456789abcdef0123456789abcdef01234567"
MODEL = Model("small", "acme/small", SHA, ("tiny",), "http://127.0.0.1:8081", 1024, 2048)
CUT = "peer closed connection without sending complete message body (incomplete chunked read)"
#: Seconds between two tokens: unpaced, a whole answer would come at one time.
PACE = 0.003


class MemoryFaults(Faults):
    """The active faults, kept in memory and not in a file."""

    def __init__(self, *faults: str) -> None:
        self._active = dict(parse_fault(one) for one in faults)

    def active(self) -> dict[str, str]:
        return self._active

    def write(self, faults: dict[str, str]) -> None:
        self._active = dict(faults)


class NoLog(Log):
    """A log that drops every line."""

    def _write(self, text: str) -> None:
        """Drop the line."""


class InMemoryTgi:
    """TGI with scripted text and the emulator's ``faults``."""

    def __init__(
        self,
        *faults: str,
        model_id: str = "acme/small",
        revision: str = SHA,
        limits: tuple[int, int] = (1024, 2048),
        pace: float = PACE,
        argv: tuple[str, ...] = (),
    ) -> None:
        given = ("--max-input-tokens", str(limits[0]), "--max-total-tokens", str(limits[1]))
        args = parse(["--model-id", model_id, "--revision", revision, *given, *argv], {})
        source = ScriptedText()
        found = find_limits(args, source.max_context)
        self.faults = MemoryFaults(*faults)
        self.backend = Backend(args, found, NoLog(), self.faults, source, Metrics(found), pace=pace)
        self.app = create_app(self.backend)

    @contextlib.contextmanager
    def broken(self, fault: str) -> Iterator[None]:
        """Have a fault for a block, or none for ""."""
        self.faults.write(dict([parse_fault(fault)] if fault else []))
        try:
            yield
        finally:
            self.faults.write({})

    async def handle(self, request: httpx.Request) -> httpx.Response:
        """Return the response as soon as its headers are known; the body follows as the engine
        sends it.
        """
        exchange = Exchange(self.app, request, await request.aread())
        return await exchange.response()

    @property
    def generations(self) -> int:
        """Return how many generations have begun."""
        return self.backend.metrics.value("tgi_batch_inference_count", method="prefill")

    def transport(self) -> httpx.MockTransport:
        return httpx.MockTransport(self.handle)


class Exchange(httpx.AsyncByteStream):
    """One request to an ASGI application, and the body of its response."""

    def __init__(self, app: Any, request: httpx.Request, body: bytes) -> None:
        self._app, self._request, self._body = app, request, body
        self._sent: asyncio.Queue[Mapping[str, Any] | None] = asyncio.Queue()
        self._left = asyncio.Event()
        self._asked = False

    async def response(self) -> httpx.Response:
        """Return the response; raise RemoteProtocolError when the application sends none."""
        self._task = asyncio.create_task(self._serve())
        try:
            start = await self._sent.get()
        except asyncio.CancelledError:
            self._left.set()
            raise
        if start is None:
            raise httpx.RemoteProtocolError("Server disconnected without sending a response.")
        return httpx.Response(start["status"], headers=start["headers"], stream=self)

    async def __aiter__(self) -> AsyncIterator[bytes]:
        while message := await self._sent.get():
            if message.get("body"):
                yield message["body"]
            if not message.get("more_body"):
                return
        raise httpx.RemoteProtocolError(CUT)

    async def aclose(self) -> None:
        self._left.set()

    async def _serve(self) -> None:
        url = self._request.url
        scope = {
            "type": "http",
            "asgi": {"version": "3.0"},
            "http_version": "1.1",
            "method": self._request.method,
            "scheme": url.scheme,
            "path": url.path,
            "raw_path": url.raw_path.partition(b"?")[0],
            "query_string": url.query,
            "headers": [(name.lower(), value) for name, value in self._request.headers.raw],
            "client": ("127.0.0.1", 1),
            "server": (url.host, url.port),
            "root_path": "",
        }
        try:
            await self._app(scope, self._receive, self._send)
        finally:
            self._sent.put_nowait(None)

    async def _receive(self) -> dict[str, Any]:
        if not self._asked:
            self._asked = True
            return {"type": "http.request", "body": self._body, "more_body": False}
        await self._left.wait()
        return {"type": "http.disconnect"}

    async def _send(self, message: Mapping[str, Any]) -> None:
        self._sent.put_nowait(message)


class Altered(httpx.AsyncByteStream):
    """A response's body, with its pieces changed."""

    def __init__(self, answer: httpx.Response, pieces: AsyncIterator[bytes]) -> None:
        self.answer, self.pieces = answer, pieces

    def __aiter__(self) -> AsyncIterator[bytes]:
        return self.pieces

    async def aclose(self) -> None:
        await self.answer.aclose()
