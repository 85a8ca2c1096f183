"""An HTTP/1 connection for uvicorn, as hyper 1.6 keeps one and answers on it."""

from __future__ import annotations

import asyncio
from http import HTTPStatus
from typing import Any

from .body import Body, BrokenBody
from .exchange import Exchange, Fields, date
from .head import Head, Refused, parse
from .http2 import Http2

_PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
_HIGH_WATER = 65536
_LINGER_SECONDS = 1.0
_OLD_PHRASES = {413: "Payload Too Large", 422: "Unprocessable Entity"}
"""Python 3.13 has newer names."""


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
        self._exchange: _Exchange | None = None
        self.ending = self._deaf = False
        self.writable = asyncio.Event()
        self.writable.set()

    # -- what asyncio and uvicorn call

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self.transport = transport
        client, server = (transport.get_extra_info(f"{end}name") for end in ("peer", "sock"))
        self._common = {
            "type": "http", "asgi": {"version": "3.0", "spec_version": "2.3"}, "scheme": "http",
            "client": tuple(client[:2]), "server": tuple(server[:2]), "root_path": "",
            "state": self._app_state.copy(),
        }  # fmt: skip
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
        if self._exchange is None and self._buffer[:3] == _PREFACE[:3] and self._turns_to_http2():
            return
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

    def _turns_to_http2(self) -> bool:
        """Hand the connection over when HTTP/2's first bytes have come, or wait for the rest."""
        start = bytes(self._buffer[: len(_PREFACE)])
        if start == _PREFACE:
            self._state.connections.discard(self)
            protocol = Http2(self.transport, self.app, self._state, self._common)
            self.transport.set_protocol(protocol)
            protocol.data_received(bytes(self._buffer))
        return _PREFACE.startswith(start)

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
        self._exchange = _Exchange(self, head, self._scope(head))
        task = asyncio.get_running_loop().create_task(self._exchange.run())
        task.add_done_callback(self._state.tasks.discard)
        self._state.tasks.add(task)
        return True

    def _scope(self, head: Head) -> dict[str, Any]:
        return {
            **self._common, "http_version": head.version, "method": head.method,
            "path": head.path.decode("latin-1"), "raw_path": head.path,
            "query_string": head.query, "headers": head.headers,
        }  # fmt: skip

    def _end(self, exchange: _Exchange) -> None:
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


class _Exchange(Exchange):
    """One of the exchanges that follow each other on a connection."""

    def __init__(self, connection: Http1, head: Head, scope: dict[str, Any]) -> None:
        super().__init__(connection.app, scope)
        self._connection, self._head = connection, head
        self._body, self.keep_alive, self._chunked = Body(head.length), head.keep_alive, False
        self._expected = head.expects_continue and not self._body.complete

    @property
    def read_whole(self) -> bool:
        return self._body.complete and not self.broken

    def read(self, buffer: bytearray) -> None:
        try:
            self.feed(self._body.take(buffer), self._body.complete)
        except BrokenBody:
            buffer.clear()
            self.cut_off()

    def cut_off(self) -> None:
        self.keep_alive = False
        super().cut_off()

    def want(self) -> None:
        if self._expected and not self._connection.transport.is_closing():
            self._connection.transport.write(b"HTTP/1.1 100 Continue\r\n\r\n")
        self._expected = False

    def taken(self) -> None:
        self._connection.transport.resume_reading()

    def begin(self, status: int, fields: Fields) -> None:
        self.keep_alive = self.keep_alive and not self._connection.ending
        sized = any(name.lower() == b"content-length" for name, _ in fields)
        if self._head.version == "1.1":
            fields += [] if self.keep_alive else [(b"connection", b"close")]
            self._chunked = not sized and self._head.method != "HEAD"
            fields += [(b"transfer-encoding", b"chunked")] if self._chunked else []
        else:
            self.keep_alive = self.keep_alive and sized
            fields += [(b"connection", b"keep-alive")] if self.keep_alive else []
        self._connection.transport.write(_lines(self._head.version, status, fields))

    async def write(self, body: bytes, last: bool) -> None:
        await self._connection.writable.wait()
        if self._chunked:
            body = (b"%x\r\n%b\r\n" % (len(body), body) if body else b"") + b"0\r\n\r\n" * last
        self._connection.transport.write(body)

    def end(self) -> None:
        self._connection.go_on()

    def break_off(self) -> None:
        self._connection.transport.close()


def _lines(version: str, status: int, fields: Fields) -> bytes:
    phrase = _OLD_PHRASES.get(status) or HTTPStatus(status).phrase
    lines = [f"HTTP/{version} {status} {phrase}".encode()]
    lines += [name + b": " + value for name, value in [*fields, date()]]
    return b"\r\n".join([*lines, b"", b""])
