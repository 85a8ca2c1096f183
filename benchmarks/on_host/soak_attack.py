"""Attack the gateway of this host as one client may, until the time is over.

Reads a job from its input: {"name", "key", "ca", "seconds", "idle", "slow", "drips"}; ``key`` is
the attacker's. Writes {"with_key": requests, "strangers": addresses} at the end. It connects to
loopback only.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import resource
import ssl
import sys
import time
from collections import Counter
from collections.abc import Awaitable, Callable
from typing import Any

from tests.support.live.load import CHAT, Broken, Connection

ADDRESS, PORT = "127.0.0.1", 443
#: Each attack has an address of its own; the client that is measured has 127.0.0.1
SLOW, DRIP, STRANGER, ABORT, IDLE, FLOOD = (f"127.0.0.{last}" for last in range(2, 8))
_LOST = (OSError, asyncio.TimeoutError, asyncio.IncompleteReadError, Broken, ValueError)
#: Words of a stream; far more than a slow reader takes
_WORDS = 20_000


class Attack:
    """The attacks on one gateway, and how many requests had a key."""

    def __init__(self, job: dict[str, Any]) -> None:
        self.job = job
        self.context = ssl.create_default_context(cafile=job["ca"])
        self.ends = time.monotonic() + float(job["seconds"])
        self.sent: Counter[str] = Counter()

    def over(self) -> bool:
        return time.monotonic() >= self.ends

    def head(self, *more: str, path: str = CHAT) -> bytes:
        lines = [f"POST {path} HTTP/1.1", f"Host: {self.job['name']}", *more]
        return "\r\n".join(lines).encode() + b"\r\n\r\n"

    def login(self) -> str:
        return f"Authorization: Bearer {self.job['key']}"

    async def tls(self, source: str) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        return await asyncio.open_connection(
            ADDRESS,
            PORT,
            ssl=self.context,
            server_hostname=self.job["name"],
            local_addr=(source, 0),
        )

    async def again(self, once: Callable[[], Awaitable[None]]) -> None:
        """Attack again and again; whatever the gateway does to it is fine."""
        while not self.over():
            with contextlib.suppress(*_LOST):
                await once()
            await asyncio.sleep(1)

    async def slow_reader(self) -> None:
        """Read a long stream a few bytes at a time."""
        body = json.dumps({"model": "words", "stream": True, "x_events": _WORDS}).encode()
        reader, writer = await self.tls(SLOW)
        try:
            self.sent["key"] += 1
            writer.write(self.head(self.login(), f"Content-Length: {len(body)}") + body)
            data = b"?"
            while data and not self.over():
                data = await asyncio.wait_for(reader.read(64), 30)
                await asyncio.sleep(0.5)
        finally:
            writer.transport.abort()

    async def drip(self, source: str, *login: str) -> None:
        """Send a body a byte at a time."""
        _, writer = await self.tls(source)
        try:
            self.sent["key"] += bool(login)
            writer.write(self.head(*login, "Content-Length: 100000"))
            while not self.over() and not writer.transport.is_closing():
                writer.write(b"1")
                await writer.drain()
                await asyncio.sleep(0.5)
        finally:
            writer.transport.abort()

    async def abort(self) -> None:
        """Leave a stream after its first event."""
        body = {"model": "words", "stream": True, "x_events": 500, "x_pause": 0.02}
        connection = Connection(ADDRESS, self.job["name"], self.context, source=ABORT)
        try:
            self.sent["key"] += 1
            await connection.send(body=body, key=self.job["key"])
            await asyncio.sleep(0.05)
        finally:
            connection.close()

    async def idle(self) -> None:
        """Open a connection and say nothing."""
        reader, writer = await asyncio.open_connection(ADDRESS, PORT, local_addr=(IDLE, 0))
        try:
            await asyncio.wait_for(reader.read(1), max(0.1, self.ends - time.monotonic()))
        finally:
            writer.transport.abort()

    async def flood(self) -> None:
        """Fill the logs: wrong keys and long lines, 100 in a second."""
        connection = Connection(ADDRESS, self.job["name"], self.context, source=FLOOD)
        try:
            while not self.over():
                await connection.ask("/" + "a" * 4000, key="a-key-of-no-consumer")
                await asyncio.sleep(0.01)
        finally:
            connection.close()

    async def run(self) -> None:
        """Run all attacks at once."""
        own = (self.login(),)
        work: list[Awaitable[None]] = []
        work += [self.again(self.slow_reader) for _ in range(self.job["slow"])]
        work += [self.again(lambda: self.drip(DRIP, *own)) for _ in range(self.job["drips"])]
        work += [self.again(lambda: self.drip(STRANGER)) for _ in range(self.job["drips"])]
        work += [self.again(self.abort) for _ in range(2)]
        work += [self.again(self.flood), self.again(self.flood)]
        for number in range(self.job["idle"]):
            if number % 100 == 0:
                await asyncio.sleep(0.1)
            work.append(asyncio.create_task(self.again(self.idle)))
        await asyncio.gather(*work)


if __name__ == "__main__":
    # What it costs to attack must not slow the client on the same machine
    os.nice(19)
    most = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(most, 65536), most))
    attack = Attack(json.load(sys.stdin))
    asyncio.run(attack.run())
    print(json.dumps({"with_key": attack.sent["key"], "strangers": 2}))
