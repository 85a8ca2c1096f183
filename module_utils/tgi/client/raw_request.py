"""Send one HTTP/1.1 request with its target byte for byte.

A library normalises a path before it sends it (``//``, ``/./``, ``%76``); a check of access rules
must send it unchanged. Every exchange has its own connection.
"""

from __future__ import annotations

import asyncio
import contextlib
import ssl
import time
from collections.abc import Mapping
from functools import lru_cache
from typing import Any
from urllib.parse import urlsplit

with contextlib.suppress(ImportError):  # client.HTTPX_ERROR says so
    import httpx

from .answer import Answer, describe
from .http_client import Target, tls_context

#: Bytes of an answer that are kept: enough to see what answered
MOST = 65536


@lru_cache(maxsize=4)
def _context(ca_file: str, certificate: str) -> ssl.SSLContext:
    """Return a cached context: loading the system's store takes longer than a handshake."""
    return tls_context(ca_file, certificate)


def compose(
    target: Target, method: str, path: str, body: bytes, headers: Mapping[str, str]
) -> bytes:
    """Return the head of the request as bytes; ``headers`` override the usual ones."""
    sent = {
        "Host": urlsplit(target.url).netloc,
        "User-Agent": "tgi-check",
        "Accept": "*/*",
        "Connection": "close",
    }
    if body:
        sent.update({"Content-Type": "application/json", "Content-Length": str(len(body))})
    sent.update(headers)
    lines = [f"{method} {path} HTTP/1.1", *(f"{name}: {value}" for name, value in sent.items())]
    return "\r\n".join([*lines, "", ""]).encode("latin-1")


async def send_raw(
    target: Target,
    method: str,
    path: str,
    body: bytes = b"",
    headers: Mapping[str, str] | None = None,
    *,
    hold: float = 0.0,
    transport: Any = None,
) -> Answer:
    """Send the request and read the answer. Never raises for the network.

    ``hold``: seconds to wait for an answer to the head before the body is sent, for requests
    with ``Expect: 100-continue``; a ``100 Continue`` counts as an answer then. ``transport``
    replaces the network in tests; it finds the target in the request's extension "target".
    """
    answer, started = Answer(), time.perf_counter()
    head = compose(target, method, path, body, headers or {})
    try:
        if transport is not None:
            work = _pretend(target, method, path, body, head, transport, answer)
        else:
            work = _exchange(target, head, body, method, hold, answer)
        await asyncio.wait_for(work, target.timeout)
    except asyncio.TimeoutError:
        answer.fault = (
            f"no {'complete ' if answer.status else ''}answer within {target.timeout:g} s"
        )
    except (OSError, EOFError, ValueError, asyncio.LimitOverrunError) as error:
        answer.fault = describe(error)
        if isinstance(error, EOFError):
            answer.fault = "connection closed without an answer"
    answer.ms = round((time.perf_counter() - started) * 1000)
    return answer


async def _exchange(
    target: Target, head: bytes, body: bytes, method: str, hold: float, answer: Answer
) -> None:
    secure = target.url.startswith("https")
    reader, writer = await asyncio.open_connection(
        target.host,
        target.port,
        ssl=_context(target.ca_file, target.certificate) if secure else None,
        server_hostname=target.host if secure else None,
    )
    started = time.perf_counter()
    reading = asyncio.ensure_future(reader.readuntil(b"\r\n\r\n"))
    try:
        writer.write(head)
        if hold:
            await asyncio.wait({reading}, timeout=hold)
        if not reading.done():
            writer.write(body)
        _read_head(await reading, answer)
        while 100 < answer.status < 200 or (answer.status == 100 and not hold):
            _read_head(await reader.readuntil(b"\r\n\r\n"), answer)
        if method == "HEAD" or answer.status in (204, 304) or answer.status < 200:
            return
        size = answer.headers.get("content-length", "")
        wanted = min(MOST, int(size)) if size.isdigit() else MOST
        while wanted > 0 and (data := await reader.read(wanted)):
            answer.chunks.append((time.perf_counter() - started, data))
            wanted -= len(data)
    finally:
        reading.cancel()
        writer.close()


def _read_head(raw: bytes, answer: Answer) -> None:
    """Read status and headers (names in lower case). Raises ValueError if it is not HTTP."""
    lines = raw.decode("latin-1").split("\r\n")
    version, _, rest = lines[0].partition(" ")
    if not version.startswith("HTTP/") or not rest[:3].isdecimal():
        raise ValueError("the answer is not HTTP")
    pairs = (line.partition(":") for line in lines[1:] if ":" in line)
    answer.headers = {name.strip().lower(): value.strip() for name, _, value in pairs}
    answer.status = int(rest[:3])


async def _pretend(
    target: Target, method: str, path: str, body: bytes, head: bytes, transport: Any, answer: Answer
) -> None:
    lines = head.decode("latin-1").split("\r\n")[1:]
    headers = dict(line.split(": ", 1) for line in lines if line)
    request = httpx.Request(
        method, target.url, headers=headers, content=body, extensions={"target": path.encode()}
    )
    response = await transport.handle_async_request(request)
    answer.status, answer.headers = response.status_code, response.headers
    try:
        answer.chunks.append((0.0, await response.aread()))
    except httpx.HTTPError as error:
        answer.fault = describe(error)
