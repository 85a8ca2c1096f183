"""A tiny HTTP client for the llama.cpp server on loopback: JSON in, JSON or SSE out."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncGenerator
from typing import Any

from .text import TextError


async def post(port: int, path: str, body: dict[str, Any]) -> Any:
    """Answer of a request as JSON."""
    chunks = [chunk async for chunk in _request(port, path, body)]
    return json.loads(b"".join(chunks))


async def events(port: int, path: str, body: dict[str, Any]) -> AsyncGenerator[Any, None]:
    """Data of each server-sent event as JSON; closing the iterator cancels the request."""
    buffer = b""
    chunks = _request(port, path, body)
    try:
        async for chunk in chunks:
            buffer += chunk
            while b"\n\n" in buffer:
                event, buffer = buffer.split(b"\n\n", 1)
                if event.startswith(b"data: ") and event != b"data: [DONE]":
                    yield json.loads(event[6:])
    finally:
        await chunks.aclose()


async def _request(port: int, path: str, body: dict[str, Any]) -> AsyncGenerator[bytes, None]:
    """Body chunks of the answer; TextError when the status is not 200."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port, limit=2**22)
    try:
        data = json.dumps(body).encode()
        writer.write(
            f"POST {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\n"
            f"Content-Length: {len(data)}\r\nConnection: close\r\n\r\n".encode()
            + data
        )
        status, headers = await _head(reader)
        if status != 200:
            text = b"".join([chunk async for chunk in _body(reader, headers)]).decode()
            raise TextError(text[:500])
        async for chunk in _body(reader, headers):
            yield chunk
    except (OSError, asyncio.IncompleteReadError) as error:
        raise TextError(f"llama.cpp went away: {error}") from None
    finally:
        writer.close()


async def _head(reader: asyncio.StreamReader) -> tuple[int, dict[str, str]]:
    lines = (await reader.readuntil(b"\r\n\r\n")).decode().split("\r\n")
    headers = dict(line.lower().split(": ", 1) for line in lines[1:] if ": " in line)
    return int(lines[0].split()[1]), headers


async def _body(
    reader: asyncio.StreamReader, headers: dict[str, str]
) -> AsyncGenerator[bytes, None]:
    if headers.get("transfer-encoding") != "chunked":
        yield await reader.readexactly(int(headers.get("content-length", "0")))
        return
    while size := int((await reader.readuntil(b"\r\n")).split(b";")[0], 16):
        yield (await reader.readexactly(size + 2))[:-2]
