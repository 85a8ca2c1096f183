"""Ask a server whether it is healthy (/health) and whether it generates (one token)."""

from __future__ import annotations

import json
import socket
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass
from http.client import HTTPConnection, HTTPException
from typing import Any
from urllib.parse import urlsplit

from ..common.text import clean, shorten
from ..engines.tgi.one_token import GENERATE, HEALTH, ONE_TOKEN, from_engine, generated

_BODY_LIMIT = 65536


@dataclass(frozen=True)
class Probe:
    """The result of one probe."""

    ready: bool
    """/health returned 200 and the server generated one token."""
    listening: bool
    """Something answered HTTP, and not a proxy without a server behind it."""
    detail: str
    """The reason, with status and start of the body; empty when ready."""
    healthy: bool = False
    """/health returned 200."""
    late: bool = False
    """No answer in time."""


def _ask(url: str, method: str, path: str, body: bytes | None, timeout: float) -> tuple[int, bytes]:
    parts = urlsplit(url)
    connection = HTTPConnection(parts.hostname or "127.0.0.1", parts.port or 80, timeout=timeout)
    headers = {"Content-Type": "application/json"} if body else {}
    try:
        try:
            connection.connect()
        except (TimeoutError, socket.timeout):
            raise ConnectionError(f"no connection within {timeout:g} s") from None
        connection.request(method, parts.path.rstrip("/") + path, body, headers)
        response = connection.getresponse()
        return response.status, response.read(_BODY_LIMIT)
    finally:
        connection.close()


def _said(body: bytes) -> str:
    """Return the error text of TGI's or OpenAI's JSON, else the start of the body."""
    text = body.decode("utf-8", "replace")
    try:
        content: Any = json.loads(text)
    except ValueError:
        content = None
    if isinstance(content, dict):
        error = content.get("error")
        error = error.get("message") if isinstance(error, dict) else error
        text = error if isinstance(error, str) else text
    return shorten(clean(" ".join(text.split())), 200)


def _answered(what: str, status: int, body: bytes) -> str:
    said = _said(body)
    return f"{what} answered {status}" + (f": {said}" if said else " with an empty body")


def probe(url: str, timeout: float) -> Probe:
    """Probe the server at ``url`` (http://host:port) once, ``timeout`` seconds for each request.

    While TGI loads, it does not listen. A connection that is refused, reset, or dropped by Docker's
    proxy, and a 502 or 504 from a proxy, all mean "not listening".
    """
    what = f"GET {HEALTH}"
    healthy = False
    try:
        status, body = _ask(url, "GET", HEALTH, None, timeout)
        if not from_engine(status, body):
            return Probe(False, False, _answered(what, status, body))
        if status != 200:
            return Probe(False, True, _answered(what, status, body))
        what, healthy = f"POST {GENERATE}", True
        status, body = _ask(url, "POST", GENERATE, ONE_TOKEN, timeout)
    except (TimeoutError, socket.timeout):
        return Probe(False, True, f"{what} did not answer within {timeout:g} s", healthy, True)
    except (OSError, HTTPException) as problem:
        reason = str(getattr(problem, "strerror", "") or problem or type(problem).__name__)
        return Probe(False, healthy, f"{what}: {clean(reason)}", healthy)
    if status == 200 and generated(body):
        return Probe(True, True, "", True)
    return Probe(False, True, _answered(what, status, body), True)


def healthy(url: str, timeout: float) -> bool:
    """Return whether an engine answers /health with 200 in time. It need not generate."""
    try:
        status, _body = _ask(url, "GET", HEALTH, None, timeout)
    except (OSError, HTTPException):
        return False
    return status == 200


def label_of(url: str, timeout: float) -> str:
    """Return what the image of the server at ``url`` says of its build, or ""."""
    try:
        status, body = _ask(url, "GET", "/info", None, timeout)
        said = json.loads(body) if status == 200 else None
    except (OSError, HTTPException, ValueError):
        return ""
    label = said.get("docker_label") if isinstance(said, dict) else None
    return shorten(clean(label), 60) if isinstance(label, str) else ""


def probe_all(urls: Mapping[str, tuple[str, float]]) -> dict[str, Probe]:
    """Probe several servers at once; ``urls`` maps names to (URL, seconds).

    A server that sends its answer byte by byte is given up after twice its seconds.
    """
    answers: dict[str, Probe] = {}

    def look(name: str, url: str, timeout: float) -> None:
        answers[name] = probe(url, timeout)

    threads = []
    for name, (url, timeout) in urls.items():
        thread = threading.Thread(target=look, args=(name, url, timeout), daemon=True)
        thread.start()
        threads.append((name, thread, time.monotonic() + 2 * timeout + 1))
    for name, thread, until in threads:
        thread.join(max(0.0, until - time.monotonic()))
        if name not in answers:
            answers[name] = Probe(False, True, "the answer did not end in time", late=True)
    return dict(answers)
