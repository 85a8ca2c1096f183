"""An HTTP/2 connection without TLS, for clients that know (`curl --http2-prior-knowledge`)."""

from __future__ import annotations

import asyncio
from typing import Any

from h2.config import H2Configuration
from h2.connection import H2Connection
from h2.errors import ErrorCodes
from h2.events import (
    DataReceived,
    Event,
    RequestReceived,
    StreamEnded,
    StreamReset,
    WindowUpdated,
)
from h2.exceptions import ProtocolError
from h2.settings import SettingCodes, Settings

from .exchange import Exchange, Fields, date

_WINDOW = 2**20
_SETTINGS = {
    SettingCodes.MAX_CONCURRENT_STREAMS: 200,
    SettingCodes.INITIAL_WINDOW_SIZE: _WINDOW,
    SettingCodes.MAX_FRAME_SIZE: 2**14,
    SettingCodes.MAX_HEADER_LIST_SIZE: 2**14,
}
"""hyper's own."""


class Http2(asyncio.Protocol):
    """Takes a connection over from HTTP/1 when its first bytes are HTTP/2's."""

    def __init__(self, transport: asyncio.Transport, app: Any, state: Any, scope: Any) -> None:
        self.transport, self._app, self._state, self._scope = transport, app, state, scope
        self.frames = H2Connection(H2Configuration(client_side=False, header_encoding=None))
        self.frames.local_settings = Settings(client=False, initial_values=_SETTINGS)
        self._streams: dict[int, _Stream] = {}
        self._ending = False
        self.writable, self.room = asyncio.Event(), asyncio.Event()
        self.writable.set()
        self._state.connections.add(self)
        self.frames.initiate_connection()
        self.frames.increment_flow_control_window(_WINDOW - 2**16 + 1)
        self.flush()

    def connection_lost(self, _error: Exception | None) -> None:
        self._state.connections.discard(self)
        self.writable.set()
        for stream in self._streams.values():
            stream.leave()

    def pause_writing(self) -> None:
        self.writable.clear()

    def resume_writing(self) -> None:
        self.writable.set()

    def data_received(self, data: bytes) -> None:
        try:
            for event in self.frames.receive_data(data):
                self._handle(event)
        except ProtocolError:
            self.transport.write(self.frames.data_to_send())
            self.transport.close()
            return
        self.flush()

    def shutdown(self) -> None:
        """End after the streams that run."""
        self._ending = True
        self._end_if_idle()

    def flush(self) -> None:
        self.transport.write(self.frames.data_to_send())

    def drop(self, number: int) -> None:
        """A stream is done."""
        self._streams.pop(number, None)
        self._state.total_requests += 1
        self._end_if_idle()

    def _end_if_idle(self) -> None:
        if self._ending and not self._streams:
            self.frames.close_connection()
            self.flush()
            self.transport.close()

    def _handle(self, event: Event) -> None:
        if isinstance(event, RequestReceived):
            stream = _Stream(self, event.stream_id, self._app, self._request(event.headers))
            self._streams[event.stream_id] = stream
            task = asyncio.get_running_loop().create_task(stream.run())
            task.add_done_callback(self._state.tasks.discard)
            self._state.tasks.add(task)
        elif isinstance(event, WindowUpdated):
            self.room.set()
        elif isinstance(event, DataReceived):
            size = event.flow_controlled_length
            self.frames.acknowledge_received_data(size, event.stream_id)
            if event.stream_id in self._streams:
                self._streams[event.stream_id].feed(event.data, complete=False)
        elif isinstance(event, StreamEnded) and event.stream_id in self._streams:
            self._streams[event.stream_id].feed(b"", complete=True)
        elif isinstance(event, StreamReset) and event.stream_id in self._streams:
            self._streams.pop(event.stream_id).leave()
            self.room.set()

    def _request(self, headers: Any) -> dict[str, Any]:
        given = dict(headers)
        path, _, query = given.get(b":path", b"").partition(b"?")
        return {
            **self._scope, "http_version": "2", "method": given[b":method"].decode(),
            "path": path.decode("latin-1"), "raw_path": path, "query_string": query,
            "headers": [(name, value) for name, value in headers if name[:1] != b":"],
        }  # fmt: skip


class _Stream(Exchange):
    """One of the exchanges beside each other on a connection."""

    def __init__(self, connection: Http2, number: int, app: Any, scope: dict[str, Any]) -> None:
        super().__init__(app, scope)
        self._connection, self._number = connection, number

    def begin(self, status: int, fields: Fields) -> None:
        lower = [(name.lower(), value) for name, value in fields]
        head = [(b":status", str(status).encode()), *lower, date()]
        self._connection.frames.send_headers(self._number, head)
        self._connection.flush()

    async def write(self, body: bytes, last: bool) -> None:
        connection, frames = self._connection, self._connection.frames
        while body and not self.gone:
            await connection.writable.wait()
            room = min(
                frames.local_flow_control_window(self._number), frames.max_outbound_frame_size
            )
            if room:
                frames.send_data(self._number, body[:room])
                body = body[room:]
                connection.flush()
            else:
                connection.room.clear()
                await connection.room.wait()
        if last and not self.gone:
            frames.end_stream(self._number)
            connection.flush()

    def end(self) -> None:
        self._connection.drop(self._number)

    def break_off(self) -> None:
        self._connection.frames.reset_stream(self._number, ErrorCodes.INTERNAL_ERROR)
        self._connection.flush()
        self._connection.drop(self._number)
