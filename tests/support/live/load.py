"""Clients that never retry and account for every request: raw HTTP/1.1 over TLS, kept alive."""

from __future__ import annotations

import asyncio
import json
import ssl
import time
from collections import Counter
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any

CHAT = "/v1/chat/completions"


class Broken(Exception):
    """The connection ended before the answer did; the text says at which point."""


@dataclass
class Answer:
    """One answer: ``reads`` are the network reads that brought the body, with their times."""

    status: int
    headers: dict[str, str]
    body: bytes
    reads: list[tuple[float, bytes]] = field(default_factory=list)

    def json(self) -> Any:
        return json.loads(self.body)


class Connection:
    """One kept-alive connection to a gateway, by address, under its real name.

    ``preface`` is sent before TLS, as by a balancer that names its client. ``source`` is the
    address to come from, if not the usual one.
    """

    def __init__(
        self,
        address: str,
        name: str,
        context: ssl.SSLContext | None,
        port: int = 443,
        preface: bytes = b"",
        source: str = "",
    ) -> None:
        self._where, self._preface = (address, port), preface
        self._source = (source, 0) if source else None
        self._name, self._context = name, context
        self._reader: asyncio.StreamReader | None = None
        self._writer: asyncio.StreamWriter | None = None
        self._buffer = b""

    async def open(self) -> None:
        at_once = None if self._preface else self._context
        self._reader, self._writer = await asyncio.open_connection(
            *self._where,
            ssl=at_once,
            server_hostname=self._name if at_once else None,
            local_addr=self._source,
        )
        self._writer.write(self._preface)
        if self._context and not at_once:
            await self._writer.start_tls(self._context, server_hostname=self._name)
        self._buffer = b""

    def close(self) -> None:
        if self._writer is not None:
            self._writer.transport.abort()
        self._reader = self._writer = None

    async def ask(
        self,
        path: str = CHAT,
        body: dict[str, Any] | bytes | None = None,
        key: str = "",
        method: str = "POST",
        headers: tuple[str, ...] = (),
    ) -> Answer:
        """Send one request and read its whole answer; raise Broken, OSError or TimeoutError.

        A connection that the other side has closed is opened again. If it closes while the
        request is on its way, the request has failed, as for clients that never retry.
        """
        await self.send(path, body, key, method, headers)
        return await self.receive()

    async def send(
        self,
        path: str = CHAT,
        body: dict[str, Any] | bytes | None = None,
        key: str = "",
        method: str = "POST",
        headers: tuple[str, ...] = (),
    ) -> None:
        """Send one request."""
        if self._writer is None or self._reader is None or self._reader.at_eof():
            self.close()
            await self.open()
        data = json.dumps(body).encode() if isinstance(body, dict) else body or b""
        lines = [f"{method} {path} HTTP/1.1", f"Host: {self._name}", f"Content-Length: {len(data)}"]
        lines += ["Content-Type: application/json", *headers]
        lines += [f"Authorization: Bearer {key}"] if key else []
        assert self._writer is not None
        self._writer.write("\r\n".join(lines).encode("latin-1") + b"\r\n\r\n" + data)
        await self._writer.drain()

    async def receive(self) -> Answer:
        """Read one answer."""
        head = await self._until(b"\r\n\r\n", "before the answer began")
        first, *rest = head.decode("latin-1").split("\r\n")
        headers = {
            name.lower(): value.strip() for name, _, value in (x.partition(":") for x in rest)
        }
        answer = Answer(int(first.split(" ")[1]), headers, b"")
        if self._buffer:
            answer.reads.append((time.time(), self._buffer))
        if headers.get("transfer-encoding") == "chunked":
            answer.body = await self._chunks(answer)
        else:
            answer.body = await self._exactly(int(headers.get("content-length", 0)), answer)
        if headers.get("connection") == "close":
            self.close()
        return answer

    async def _more(self, where: str, answer: Answer | None = None) -> None:
        assert self._reader is not None
        data = await self._reader.read(65536)
        if not data:
            self.close()
            raise Broken(where)
        if answer is not None:
            answer.reads.append((time.time(), data))
        self._buffer += data

    async def _until(self, mark: bytes, where: str, answer: Answer | None = None) -> bytes:
        while mark not in self._buffer:
            await self._more(where, answer)
        found, _, self._buffer = self._buffer.partition(mark)
        return found

    async def _exactly(self, count: int, answer: Answer) -> bytes:
        while len(self._buffer) < count:
            await self._more("within the answer", answer)
        found, self._buffer = self._buffer[:count], self._buffer[count:]
        return found

    async def _chunks(self, answer: Answer) -> bytes:
        body = b""
        while size := int(await self._until(b"\r\n", "within the stream", answer), 16):
            body += (await self._exactly(size + 2, answer))[:-2]
        await self._exactly(2, answer)
        return body


@dataclass
class Tally:
    """The results of all requests: statuses, and broken connections by where they broke."""

    statuses: Counter[int] = field(default_factory=Counter)
    broken: Counter[str] = field(default_factory=Counter)
    seconds: float = 0.0

    @property
    def total(self) -> int:
        return sum(self.statuses.values()) + sum(self.broken.values())

    @property
    def failed(self) -> int:
        return self.total - self.statuses[200]

    def __str__(self) -> str:
        return (
            f"{self.failed} failed of {self.total} in {self.seconds:.1f} s: "
            f"statuses {dict(self.statuses)}, broken {dict(self.broken)}"
        )


async def keep_asking(
    connections: list[Connection],
    once: Callable[[Connection], Awaitable[Answer]],
    until: Callable[[], bool],
    tally: Tally | None = None,
) -> Tally:
    """Let every connection ask again and again until ``until`` is true; retry nothing."""
    found = tally or Tally()
    began = time.monotonic()

    async def work(connection: Connection) -> None:
        while not until():
            try:
                answer = await asyncio.wait_for(once(connection), 60)
                found.statuses[answer.status] += 1
            except Broken as error:
                found.broken[str(error)] += 1
            except (OSError, asyncio.TimeoutError) as error:
                connection.close()
                found.broken[type(error).__name__] += 1

    await asyncio.gather(*(work(connection) for connection in connections))
    found.seconds = time.monotonic() - began
    for connection in connections:
        connection.close()
    return found


def words(answer: Answer) -> tuple[int, int]:
    """Return (events of a stream, network reads that brought at least one of them)."""
    events = answer.body.count(b"data:")
    return events, sum(1 for _, data in answer.reads if b"data:" in data)
