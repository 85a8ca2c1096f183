"""Run a server with given answers on loopback, to which NAME resolves."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Awaitable, Callable
from typing import Any

from ansible.module_utils.tgi.client import fixed_address
from ansible.module_utils.tgi.client.answer import Answer
from ansible.module_utils.tgi.client.http_client import Client, Target

NAME = "llm.example.org"
Talk = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


def with_server(
    talk: Talk, work: Callable[[int], Awaitable[Any]], context: ssl.SSLContext | None = None
) -> Any:
    """Run ``work(port)`` with a server on loopback, to which NAME resolves."""

    async def both() -> Any:
        server = await asyncio.start_server(talk, "127.0.0.1", 0, ssl=context)
        try:
            return await work(server.sockets[0].getsockname()[1])
        finally:
            server.close()

    return fixed_address.run(both(), {NAME: "127.0.0.1"})


def says(raw: bytes, wait: float = 0.0, abort: bool = False) -> Talk:
    """Return a talk that sends ``raw`` after the request; @HOST@ becomes its Host header."""

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        request = await reader.readuntil(b"\r\n\r\n")
        await asyncio.sleep(wait)
        writer.write(raw.replace(b"@HOST@", _header(request, b"host")))
        if abort:
            writer.transport.abort()
        else:
            writer.close()

    return talk


def _header(request: bytes, name: bytes) -> bytes:
    lines = request.split(b"\r\n")
    return next(line[len(name) + 2 :] for line in lines if line.lower().startswith(name + b":"))


def get(talk: Talk, timeout: float = 5.0) -> Answer:
    """Return the client's answer to GET /x."""

    async def work(port: int) -> Answer:
        async with Client(Target(f"http://{NAME}:{port}", timeout=timeout)) as client:
            return await client.send("GET", "/x")

    answer: Answer = with_server(talk, work)
    return answer
