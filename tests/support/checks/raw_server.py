"""A server on a real socket that records requests and answers as a test says."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Awaitable, Callable
from typing import Any

from ansible.module_utils.tgi.client import fixed_address

from tests.support.tls_pairs import NAME

KEY = "sk-Checks-0123456789"
REFUSED = b"HTTP/1.1 401 No\r\ncontent-length: 2\r\n\r\n{}"
Reply = Callable[[bytes], bytes]


class Server:
    """Record every request's head byte for byte; ``reply`` makes the answer from it."""

    def __init__(self, reply: Reply = lambda _: REFUSED, greedy: bool = False) -> None:
        self.heads: list[bytes] = []
        self.bodies: list[bytes] = []
        self.reply, self.greedy = reply, greedy

    async def talk(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        self.heads.append(head)
        if self.greedy:
            length = int(head.lower().partition(b"content-length: ")[2].split(b"\r\n")[0])
            self.bodies.append(await reader.readexactly(length))
        writer.write(self.reply(head))
        writer.close()

    def run(self, work: Callable[[str], Awaitable[Any]], tls: ssl.SSLContext | None = None) -> Any:
        async def both() -> Any:
            server = await asyncio.start_server(self.talk, "127.0.0.1", 0, ssl=tls)
            port = server.sockets[0].getsockname()[1]
            try:
                return await work(f"http{'s' if tls else ''}://{NAME}:{port}")
            finally:
                server.close()

        return fixed_address.run(both(), {NAME: "127.0.0.1"})

    @property
    def lines(self) -> list[str]:
        return [head.split(b"\r\n")[0].decode() for head in self.heads]
