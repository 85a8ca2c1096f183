"""Send one recorded request over a connection of its own and return the answer's bytes."""

from __future__ import annotations

import contextlib
import json
import socket
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

_CONNECT_SECONDS, _ANSWER_SECONDS, _RAW_SECONDS = 10, 60, 8
_MOST = 3_000_000


@dataclass(frozen=True)
class Asked:
    """A request. Without `method`, `raw` is all that is sent; else it is the body in Latin-1."""

    method: str | None = None
    path: str | None = None
    body: Any = None
    raw: str | None = None
    headers: dict[str, str] | None = None

    def sent(self) -> bytes:
        """Return the request as it goes over the wire."""
        body = b"" if self.body is None else json.dumps(self.body).encode()
        if self.raw is not None:
            body = self.raw.encode("latin-1")
        if self.method is None:
            return body
        headers = {"host": "127.0.0.1", "connection": "close", **(self.headers or {})}
        if self.body is not None:
            headers.setdefault("content-type", "application/json")
        if body or self.method in ("POST", "PUT"):
            headers["content-length"] = str(len(body))
        lines = [f"{self.method} {self.path} HTTP/1.1", *(f"{k}: {v}" for k, v in headers.items())]
        return "\r\n".join([*lines, "", ""]).encode() + body


def exchange(url: str, asked: Asked) -> bytes:
    """Return all that the server at http://host:port sends until it closes the connection.

    A server may refuse a request before it has read it; what it says then is an answer too.
    """
    address = urlsplit(url)
    got = b""
    target = (address.hostname or "127.0.0.1", address.port or 80)
    with socket.create_connection(target, _CONNECT_SECONDS) as connection:
        connection.settimeout(_ANSWER_SECONDS if asked.method else _RAW_SECONDS)
        with contextlib.suppress(OSError):
            connection.sendall(asked.sent())
        try:
            while (part := connection.recv(65536)) and len(got) < _MOST:
                got += part
        except TimeoutError:
            got += b"<TIMEOUT>"
        except OSError as error:
            got += f"<{type(error).__name__}>".encode()
    return got
