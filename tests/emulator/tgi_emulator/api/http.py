"""HTTP as axum speaks it: body extraction, empty errors, and event streams that can be dropped."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Coroutine
from contextlib import aclosing, suppress
from typing import Any

from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from ..reading.fault import Fault
from ..reading.media_type import is_json
from ..reading.serde import Reader
from ..reading.text import Text
from ..server.body import BrokenBody
from .backend import StreamCut
from .rust_words import dumps

KEEP_ALIVE_SECONDS = 15.0
_DROPPED_BYTES = 16 * 2**20


class Rejected(Exception):
    """The body could not be taken: axum answers in plain text."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status, self.message = status, message


class JsonResponse(Response):
    """serde_json's form: no blanks, no ASCII escapes."""

    media_type = "application/json"

    def render(self, content: Any) -> bytes:
        return dumps(content).encode()


async def read_json(request: Request, reader: Reader, limit: int) -> Any:
    """The body in the shape of `reader`; raises Rejected as axum's Json extractor rejects.

    Bytes behind the value are not looked at: axum does not ask serde_json for the end.
    """
    if not is_json(request.headers.get("content-type", "")):
        raise Rejected(415, "Expected request with `Content-Type: application/json`")
    raw = await _read(request, limit)
    try:
        return reader(Text(raw))
    except Fault as fault:
        status, what = (
            (400, "Failed to parse the request body as JSON")
            if fault.syntax
            else (422, "Failed to deserialize the JSON body into the target type")
        )
        raise Rejected(status, f"{what}: {fault.told(raw)}") from None


async def _read(request: Request, limit: int) -> bytes:
    """The body; what is over the limit is read and dropped, so that the client sees the 413."""
    raw, total = bytearray(), 0
    try:
        async for chunk in request.stream():
            total += len(chunk)
            if total <= limit:
                raw += chunk
            elif total > limit + _DROPPED_BYTES:
                break
    except (BrokenBody, ClientDisconnect):
        said = "Failed to buffer the request body: error reading a body from connection"
        raise Rejected(400, said) from None
    if total > limit:
        raise Rejected(413, "Failed to buffer the request body: length limit exceeded")
    return bytes(raw)


async def until_disconnect(request: Request, work: Coroutine[Any, Any, Response]) -> Response:
    """Run a handler; cancel it when the client goes away, as hyper drops the future."""
    task = asyncio.create_task(work)
    gone = asyncio.create_task(_disconnected(request.receive))
    try:
        await asyncio.wait({task, gone}, return_when=asyncio.FIRST_COMPLETED)
        return task.result() if task.done() else Response(status_code=499)
    finally:
        for one in (task, gone):
            one.cancel()
        await asyncio.gather(task, gone, return_exceptions=True)


async def _disconnected(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass


class EventStream(Response):
    """Server-sent events: `data: {json}`, a comment every 15 s, stops when the client goes.

    `merged` events reach the socket in one piece; 1 is TGI's way, more is a buffering proxy's.
    """

    def __init__(
        self, events: AsyncGenerator[str, None], headers: dict[str, str], merged: int = 1
    ) -> None:
        own = {"content-type": "text/event-stream", "cache-control": "no-cache"}
        super().__init__(None, 200, {**own, **headers})
        self._events, self._merged = events, merged
        self._waiting: list[str] = []
        del self.headers["content-length"]

    async def __call__(self, _scope: Scope, receive: Receive, send: Send) -> None:
        start = {"type": "http.response.start", "status": 200, "headers": self.raw_headers}
        await send(start)
        pump = asyncio.create_task(self._pump(send))
        gone = asyncio.create_task(_disconnected(receive))
        await asyncio.wait({pump, gone}, return_when=asyncio.FIRST_COMPLETED)
        finished = pump.done()
        for task in (pump, gone):
            task.cancel()
        await asyncio.gather(pump, gone, return_exceptions=True)
        cut = finished and isinstance(pump.exception(), StreamCut)
        if finished:
            await self._flush(send)
        if finished and not cut:
            pump.result()
            await send({"type": "http.response.body", "body": b"", "more_body": False})
        # else: returning without the last chunk makes uvicorn close the connection

    async def _pump(self, send: Send) -> None:
        async with aclosing(self._events) as events:
            following = asyncio.ensure_future(anext(events))
            try:
                while True:
                    done, _ = await asyncio.wait({following}, timeout=KEEP_ALIVE_SECONDS)
                    if not done:
                        await self._write(send, ":\n\n")
                        continue
                    data = following.result()
                    await self._write(send, f"data: {data}\n\n")
                    following = asyncio.ensure_future(anext(events))
            except StopAsyncIteration:
                pass
            finally:
                following.cancel()
                with suppress(asyncio.CancelledError, StopAsyncIteration, StreamCut):
                    await following

    async def _write(self, send: Send, text: str) -> None:
        self._waiting.append(text)
        if len(self._waiting) >= self._merged:
            await self._flush(send)

    async def _flush(self, send: Send) -> None:
        if self._waiting:
            body = "".join(self._waiting).encode()
            self._waiting.clear()
            await send({"type": "http.response.body", "body": body, "more_body": True})
