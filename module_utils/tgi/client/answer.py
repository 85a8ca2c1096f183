"""The answer to one request, and how an exchange broke off."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

#: How TLS fails where the other side does not speak it.
PLAIN_PORT = "this port speaks plain HTTP, not TLS"


@dataclass
class Answer:
    """One answer. ``status`` 0: no response at all; ``fault``: how the exchange broke off.

    ``chunks`` are the body's pieces as they arrived, with seconds since the request was sent.
    """

    status: int = 0
    headers: Mapping[str, str] = field(default_factory=dict)
    chunks: list[tuple[float, bytes]] = field(default_factory=list)
    fault: str = ""
    ms: int = 0
    attempts: int = 1

    @property
    def body(self) -> bytes:
        return b"".join(data for _, data in self.chunks)

    @property
    def text(self) -> str:
        return self.body.decode("utf-8", "replace")

    def json(self) -> Any:
        """Return the body as JSON, or None if it is not JSON."""
        try:
            return json.loads(self.body)
        except (ValueError, RecursionError):
            return None

    @property
    def media_type(self) -> str:
        return self.headers.get("content-type", "").partition(";")[0].strip().lower()


def retry_after(answer: Answer, most: float) -> float:
    """Return the seconds that a 429 asks to wait, at most ``most``; 1 without Retry-After."""
    try:
        return max(0.0, min(float(answer.headers.get("retry-after", "1")), most))
    except ValueError:
        return 1.0


def describe(error: BaseException, begun: bool = False) -> str:
    """Return a transport error in plain words; ``begun``: a response had begun."""
    text = str(error) or type(error).__name__
    lower = text.lower()
    refused = isinstance(error, ConnectionRefusedError) or "refused" in lower
    if refused or "all connection attempts failed" in lower:
        return "connection refused"
    if "name or service not known" in lower or "name resolution" in lower:
        return "the server name does not resolve"
    if "wrong_version_number" in lower or "record layer failure" in lower:
        return PLAIN_PORT
    if "certificate verify failed" in lower:
        return "TLS certificate not accepted: " + text.partition("certificate verify failed:")[2]
    if "incomplete" in lower or "without sending complete message" in lower:
        return "connection closed in the middle of the body"
    broken = ("disconnected without sending", "closed connection without response", "reset")
    if text == "ReadError" or any(words in lower for words in broken):
        where = "in the middle of the body" if begun else "without an answer"
        return f"connection closed {where}"
    if type(error).__name__ == "RemoteProtocolError":
        return f"the answer is not valid HTTP: {text}"
    if type(error).__name__ == "DecodingError":
        return f"the body is not encoded as its header says: {text}"
    return f"{type(error).__name__}: {text}"
