"""Send requests with the standard library alone, to an engine on this host."""

from __future__ import annotations

import asyncio
import socket
import time
from collections.abc import Mapping
from http.client import HTTPConnection, HTTPException
from typing import Any, NamedTuple

from .answer import Answer, describe
from .http_client import MAX_BODY, Client, Target
from .rate_limiter import Pacer

_PIECE = 65536


class PlainRequest(NamedTuple):
    """A request as it will be sent."""

    method: str
    path: str
    headers: dict[str, str]
    content: bytes | None


class PlainClient(Client):
    """As Client, for hosts without httpx: plain HTTP, each request on a connection of its own."""

    def __init__(self, target: Target, *, pacer: Pacer | None = None) -> None:
        self.target, self.transport, self.watch = target, None, None
        self.pacer = pacer or Pacer()

    async def __aexit__(self, *_: object) -> None:
        """Close nothing: no connection is kept."""

    def _request(
        self, method: str, path: str, body: object, key: str | None, headers: Mapping[str, str]
    ) -> Any:
        sent, content = self._compose(body, key, {"Accept-Encoding": "identity", **headers})
        return PlainRequest(method, path, sent, content)

    async def _exchange(self, request: Any, events: int = 0) -> Answer:
        answer, started = Answer(), time.perf_counter()
        # The thread ends by itself: a cancelled one would be waited for all the same
        await asyncio.to_thread(self._read_all, request, answer, started, events)
        answer.ms = round((time.perf_counter() - started) * 1000)
        if self.watch is not None:
            self.watch(request.path, answer)
        return answer

    def _read_all(self, request: PlainRequest, answer: Answer, started: float, events: int) -> None:
        seconds = self.target.timeout
        connection = HTTPConnection(self.target.host, self.target.port, timeout=seconds)
        try:
            connection.connect()
            plug = connection.sock
            connection.request(request.method, request.path, request.content, request.headers)
            response = connection.getresponse()
            answer.status = response.status
            answer.headers = {name.lower(): value for name, value in response.getheaders()}
            size = 0
            while not response.isclosed():
                # http.client waits anew for each piece; this is the time for the whole answer
                plug.settimeout(max(0.001, seconds - (time.perf_counter() - started)))
                data = response.read1(_PIECE)
                if not data:
                    break
                kept = data[: max(0, MAX_BODY - size)]
                answer.chunks.append((time.perf_counter() - started, kept))
                size += len(data)
                if size > MAX_BODY:
                    answer.fault = f"body longer than {MAX_BODY} bytes"
                    return
                if events and answer.body.count(b"\n\n") >= events:
                    return
            if response.length:
                answer.fault = "connection closed in the middle of the body"
        except (TimeoutError, socket.timeout):
            what = "no complete answer" if answer.status else "no answer"
            answer.fault = f"{what} within {seconds:g} s"
        except (OSError, HTTPException, ValueError) as error:
            answer.fault = describe(error, begun=bool(answer.status))
        finally:
            connection.close()
