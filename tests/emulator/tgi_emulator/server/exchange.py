"""One request and its answer, as ASGI sees them; how they travel is up to HTTP/1 or HTTP/2."""

from __future__ import annotations

import asyncio
import logging
from email.utils import formatdate
from typing import Any

from .body import BrokenBody

Fields = list[tuple[bytes, bytes]]
_ORDER = {
    b"content-type": 0, b"content-length": 2, b"vary": 3, b"access-control-allow-origin": 4,
    b"allow": 5,
}  # fmt: skip
"""How axum's layers come to add them; what a handler adds is 1."""


class Exchange:
    """The application asks for the body and gives the answer; the client may leave meanwhile."""

    def __init__(self, app: Any, scope: dict[str, Any]) -> None:
        self._app, self._scope = app, scope
        self._parts, self._news = bytearray(), asyncio.Event()
        self._started = self._whole_told = False
        self.complete = self.broken = self.answered = self.gone = False

    @property
    def waiting(self) -> int:
        """Bytes of the body that the application has not taken."""
        return len(self._parts)

    def feed(self, data: bytes, complete: bool) -> None:
        self._parts += b"" if self.answered else data
        self.complete = complete
        self._news.set()

    def cut_off(self) -> None:
        """The rest of the body will not come."""
        self.broken = True
        self._news.set()

    def leave(self) -> None:
        """The client is gone."""
        self.gone = True
        self._news.set()

    async def run(self) -> None:
        try:
            await self._app(self._scope, self._receive, self._send)
        except Exception:
            logging.getLogger(__name__).exception("The application failed")
            if not self._started:
                await self._send({"type": "http.response.start", "status": 500, "headers": []})
                await self._send({"type": "http.response.body"})
        if not self.answered and not self.gone:
            self.break_off()

    async def _receive(self) -> dict[str, Any]:
        self.want()
        while not self.gone and not self.answered:
            if self._parts or (self.complete and not self._whole_told):
                body, self._whole_told = bytes(self._parts), self.complete
                self._parts.clear()
                self.taken()
                return {"type": "http.request", "body": body, "more_body": not self.complete}
            if self.broken:
                raise BrokenBody
            self._news.clear()
            await self._news.wait()
        return {"type": "http.disconnect"}

    async def _send(self, message: dict[str, Any]) -> None:
        if self.gone:
            return
        if message["type"] == "http.response.start":
            self._started = True
            fields = sorted(message["headers"], key=lambda field: _ORDER.get(field[0].lower(), 1))
            self.begin(message["status"], fields)
            return
        body = b"" if self._scope["method"] == "HEAD" else message.get("body", b"")
        last = not message.get("more_body", False)
        self.answered = last
        await self.write(body, last)
        if last:
            self._news.set()
            self.end()

    # -- what HTTP/1 and HTTP/2 do each in their way

    def want(self) -> None:
        """The application waits for the body."""

    def taken(self) -> None:
        """The application has taken what was there."""

    def begin(self, status: int, fields: Fields) -> None:
        raise NotImplementedError

    async def write(self, body: bytes, last: bool) -> None:
        raise NotImplementedError

    def end(self) -> None:
        raise NotImplementedError

    def break_off(self) -> None:
        """The answer stays in pieces, on purpose."""
        raise NotImplementedError


def date() -> tuple[bytes, bytes]:
    return b"date", formatdate(usegmt=True).encode()
