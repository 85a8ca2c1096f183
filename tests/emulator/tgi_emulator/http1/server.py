"""An HTTP/1 connection for uvicorn, as hyper 1.6 keeps one and answers on it."""

from __future__ import annotations

import asyncio
import logging
from email.utils import formatdate
from http import HTTPStatus
from typing import Any

from .body import Body, BrokenBody
from .head import Head, Refused, parse

_HIGH_WATER = 65536
_LINGER_SECONDS = 1.0
_OLD_PHRASES = {413: "Payload Too Large", 422: "Unprocessable Entity"}
"""Python 3.13 has newer names."""
_ORDER = {
    b"content-type": 0, b"content-length": 2, b"vary": 3, b"access-control-allow-origin": 4,
    b"allow": 5,
}  # fmt: skip


class Http1(asyncio.Protocol):
    """One connection: requests one after the other, each put to the application."""

    transport: asyncio.Transport

    def __init__(
        self, config: Any, server_state: Any, app_state: dict[str, Any], _loop: Any = None
    ) -> None:
        if not config.loaded:
            config.load()
        self._state, self._app_state, self.app = server_state, app_state, config.loaded_app
        self._buffer = bytearray()
        self._exchange: Exchange | None = None
        self.ending = self._deaf = False
        self.writable = asyncio.Event()
        self.writable.set()

    # -- what asyncio and uvicorn call

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self.transport = transport
        self._state.connections.add(self)

    def connection_lost(self, _error: Exception | None) -> None:
        self._state.connections.discard(self)
        self.writable.set()
        if self._exchange is not None:
            self._exchange.leave()

    def pause_writing(self) -> None:
        self.writable.clear()

    def resume_writing(self) -> None:
        self.writable.set()

    def data_received(self, data: bytes) -> None:
        if not self._deaf:
            self._buffer += data
            self.go_on()

    def eof_received(self) -> bool:
        """A body that ends too early is answered; else a client that stops sending is gone."""
        exchange = self._exchange
        if exchange is None or exchange.read_whole:
            return False
        exchange.cut_off()
        return True

    def shutdown(self) -> None:
        """End after the running request, at once without one."""
        self.ending = True
        if self._exchange is None:
            self.transport.close()

    # -- one request after the other

    def go_on(self) -> None:
        """Do what the bytes at hand allow."""
        while not self.transport.is_closing() and not self._deaf:
            exchange = self._exchange
            if exchange is None:
                if not self._buffer or not self._begin():
                    return
                continue
            exchange.read(self._buffer)
            if not exchange.answered:
                if len(self._buffer) + exchange.waiting > _HIGH_WATER:
                    self.transport.pause_reading()
                return
            self._end(exchange)

    def _begin(self) -> bool:
        """Start a request when its head has come."""
        try:
            found = parse(bytes(self._buffer))
        except Refused as refused:
            self._refuse(refused.status)
            return False
        if found is None:
            return False
        head, size = found
        del self._buffer[:size]
        self._exchange = Exchange(self, head, self._scope(head))
        task = asyncio.get_running_loop().create_task(self._exchange.run())
        task.add_done_callback(self._state.tasks.discard)
        self._state.tasks.add(task)
        return True

    def _scope(self, head: Head) -> dict[str, Any]:
        client, server = (self.transport.get_extra_info(f"{end}name") for end in ("peer", "sock"))
        return {
            "type": "http", "asgi": {"version": "3.0", "spec_version": "2.3"},
            "http_version": head.version, "method": head.method, "scheme": "http",
            "path": head.path.decode("latin-1"), "raw_path": head.path,
            "query_string": head.query, "root_path": "", "headers": head.headers,
            "client": client and tuple(client[:2]), "server": server and tuple(server[:2]),
            "state": self._app_state.copy(),
        }  # fmt: skip

    def _end(self, exchange: Exchange) -> None:
        self._exchange = None
        self._state.total_requests += 1
        self.transport.resume_reading()
        if not exchange.read_whole:
            self._hang_up()
        elif self.ending or not exchange.keep_alive:
            self.transport.close()

    def _refuse(self, status: int) -> None:
        """Answer with a status alone."""
        fields = [(b"connection", b"close"), (b"content-length", b"0")]
        self.transport.write(_lines("1.1", status, fields))
        self._hang_up()

    def _hang_up(self) -> None:
        """Close with bytes of the client unread: a reset would eat the answer, so wait a little."""
        self._deaf = True
        self.transport.write_eof()
        asyncio.get_running_loop().call_later(_LINGER_SECONDS, self.transport.close)


class Exchange:
    """One request and its answer, as ASGI sees them."""

    def __init__(self, connection: Http1, head: Head, scope: dict[str, Any]) -> None:
        self._connection, self._head, self._scope = connection, head, scope
        self._body, self._parts = Body(head.length), bytearray()
        self._news = asyncio.Event()
        self._expected = head.expects_continue and not self._body.complete
        self._gone = self._broken = self._whole_told = self._chunked = False
        self.keep_alive, self.answered, self._started = head.keep_alive, False, False

    # -- what the connection calls

    @property
    def waiting(self) -> int:
        """Bytes of the body that the application has not taken."""
        return len(self._parts)

    @property
    def read_whole(self) -> bool:
        return self._body.complete and not self._broken

    def read(self, buffer: bytearray) -> None:
        try:
            part = self._body.take(buffer)
        except BrokenBody:
            self.cut_off()
            part = b""
            buffer.clear()
        self._parts += b"" if self.answered else part
        self._news.set()

    def cut_off(self) -> None:
        self._broken, self.keep_alive = True, False
        self._news.set()

    def leave(self) -> None:
        """The client is gone."""
        self._gone = True
        self._news.set()

    async def run(self) -> None:
        try:
            await self._connection.app(self._scope, self._receive, self._send)
        except Exception:
            logging.getLogger(__name__).exception("The application failed")
            if not self._started:
                await self._send({"type": "http.response.start", "status": 500, "headers": []})
                await self._send({"type": "http.response.body"})
        if not self.answered:
            # An answer that breaks off on purpose, or for want of a client
            self._connection.transport.close()

    # -- what the application calls

    async def _receive(self) -> dict[str, Any]:
        transport = self._connection.transport
        if self._expected and not transport.is_closing():
            transport.write(b"HTTP/1.1 100 Continue\r\n\r\n")
        self._expected = False
        while not self._gone and not self.answered:
            whole = self._body.complete
            if self._parts or (whole and not self._whole_told):
                body, self._whole_told = bytes(self._parts), whole
                self._parts.clear()
                transport.resume_reading()
                return {"type": "http.request", "body": body, "more_body": not whole}
            if self._broken:
                raise BrokenBody
            self._news.clear()
            await self._news.wait()
        return {"type": "http.disconnect"}

    async def _send(self, message: dict[str, Any]) -> None:
        await self._connection.writable.wait()
        if self._gone:
            return
        write = self._connection.transport.write
        if message["type"] == "http.response.start":
            self._started = True
            write(_lines(self._head.version, message["status"], self._fields(message["headers"])))
            return
        body = b"" if self._head.method == "HEAD" else message.get("body", b"")
        if body:
            write(b"%x\r\n%b\r\n" % (len(body), body) if self._chunked else body)
        if not message.get("more_body", False):
            if self._chunked:
                write(b"0\r\n\r\n")
            self.answered = True
            self._news.set()
            self._connection.go_on()

    def _fields(self, given: list[tuple[bytes, bytes]]) -> list[tuple[bytes, bytes]]:
        """The headers of the answer, in the order in which axum and hyper come to add them."""
        fields = sorted(given, key=lambda field: _ORDER.get(field[0].lower(), 1))
        self.keep_alive = self.keep_alive and not self._connection.ending
        sized = any(name.lower() == b"content-length" for name, _ in fields)
        if self._head.version == "1.1":
            fields += [] if self.keep_alive else [(b"connection", b"close")]
            self._chunked = not sized and self._head.method != "HEAD"
            fields += [(b"transfer-encoding", b"chunked")] if self._chunked else []
            return fields
        self.keep_alive = self.keep_alive and sized
        return [*fields, (b"connection", b"keep-alive")] if self.keep_alive else fields


def _lines(version: str, status: int, fields: list[tuple[bytes, bytes]]) -> bytes:
    phrase = _OLD_PHRASES.get(status) or HTTPStatus(status).phrase
    lines = [f"HTTP/{version} {status} {phrase}".encode()]
    lines += [name + b": " + value for name, value in fields]
    return b"\r\n".join([*lines, f"date: {formatdate(usegmt=True)}".encode(), b"", b""])
