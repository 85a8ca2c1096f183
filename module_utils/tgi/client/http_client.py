"""Send HTTP requests and return what came, when, and how it ended; never raise for the network.

Works with httpx 0.22 to 0.28. The client follows no redirects, reads no proxy variables, ends
every wait, and keeps a body up to a limit.
"""

from __future__ import annotations

import asyncio
import json
import ssl
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

try:
    import httpx

    HTTPX_ERROR = ""
except ImportError as error:  # the module names the missing package
    HTTPX_ERROR = str(error)

from ..common.pem_text import CERTIFICATE, PemError, blocks
from .answer import Answer, describe, retry_after
from .rate_limiter import Pacer

MAX_BODY = 2_000_000
#: Seconds that an idle TLS connection is kept. It is less than nginx's, so that nginx never closes
#: one at the moment of a request.
MOST_IDLE = 1.0
#: Means "send the target's own key"; None means "send no key"
OWN_KEY = "\0own"


@dataclass(frozen=True)
class Target:
    """Target of requests: ``url`` gives scheme, server name and port; ``timeout`` is in seconds.

    ``certificate`` is a PEM file with a client's certificate and its key, for servers that ask.
    """

    url: str
    ca_file: str = ""
    api_key: str = ""
    timeout: float = 30.0
    certificate: str = ""

    @property
    def host(self) -> str:
        return urlsplit(self.url).hostname or ""

    @property
    def url_host(self) -> str:
        """Return the host as in a URL: an IPv6 address in brackets."""
        return f"[{self.host}]" if ":" in self.host else self.host

    @property
    def port(self) -> int:
        parts = urlsplit(self.url)
        return parts.port or (443 if parts.scheme == "https" else 80)


def tls_context(ca_file: str = "", certificate: str = "") -> ssl.SSLContext:
    """Return a context with full verification, by the system's store or only by ``ca_file``.

    ``certificate`` as in Target. Raises OSError (file unreadable) or ssl.SSLError (no certificate
    in it, or not its key).
    """
    context = ssl.create_default_context(cadata=_authorities(ca_file) if ca_file else None)
    if certificate:
        # A key with a passphrase must fail, not ask on the terminal
        context.load_cert_chain(certificate, password=lambda: "")
    return context


def _authorities(ca_file: str) -> bytes:
    """Return the certificates of a file that may be pasted together, as OpenSSL wants them."""
    try:
        text = Path(ca_file).read_text(encoding="utf-8", errors="replace")
        found = b"".join(content for _, content in blocks(text, CERTIFICATE))
    except PemError as error:
        raise ssl.SSLError(f"{ca_file} is broken: {error}") from None
    if not found:
        raise ssl.SSLError(f"{ca_file} contains no certificate")
    return found


class Client:
    """A connection pool to one target. Use as ``async with``."""

    def __init__(self, target: Target, *, pacer: Pacer | None = None, transport: Any = None):
        self.target, self.transport = target, transport
        self.pacer = pacer or Pacer()
        #: Called with the path and the answer of every request
        self.watch: Callable[[str, Answer], None] | None = None
        secure = target.url.startswith("https")
        verify: Any = tls_context(target.ca_file, target.certificate) if secure else False
        # Engines close idle connections early; without TLS a new one costs nothing
        kept = 16 if secure else 0
        self._http = httpx.AsyncClient(
            verify=verify,
            transport=transport,
            trust_env=False,
            follow_redirects=False,
            limits=httpx.Limits(
                max_connections=64, max_keepalive_connections=kept, keepalive_expiry=MOST_IDLE
            ),
        )

    async def __aenter__(self) -> Client:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._http.aclose()

    async def send(
        self,
        method: str,
        path: str,
        body: object = None,
        *,
        key: str | None = OWN_KEY,
        headers: Mapping[str, str] | None = None,
        paced: bool = True,
    ) -> Answer:
        """Send one request. With the target's key it waits for its turn under the limits.

        A 429 is repeated after Retry-After (at most 3 s): once with the key, up to five times
        without, because many probes may meet a limit per address. ``attempts`` counts them.
        ``paced`` false: at once, and only once.
        """
        made = partial(self._request, method, path, body, key, headers or {})
        if not paced:
            return await self._exchange(made())
        turn = self._paced if key == OWN_KEY else self._exchange
        answer = await turn(made())
        for attempt in range(2, 3 if key == OWN_KEY else 7):
            if answer.status != 429:
                break
            if key == OWN_KEY:
                # Another client uses this key: the allowance is used up, whatever we counted
                self.pacer.spend(self.pacer.burst)
            await asyncio.sleep(retry_after(answer, most=3.0))
            answer = await turn(made())
            answer.attempts = attempt
        return answer

    async def taste(self, method: str, path: str, body: object, events: int) -> Answer:
        """Return the beginning of a stream; close the connection after ``events`` events."""
        request = self._request(method, path, body, OWN_KEY, {})
        async with self.pacer:
            return await self._exchange(request, events)

    async def _paced(self, request: Any) -> Answer:
        async with self.pacer:
            return await self._exchange(request)

    def _compose(
        self, body: object, key: str | None, headers: Mapping[str, str]
    ) -> tuple[dict[str, str], bytes | None]:
        """Return headers and content of a request."""
        target = self.target
        sent = {"Host": urlsplit(target.url).netloc, "User-Agent": "tgi-check"}
        sent.update({"Accept": "*/*", "Accept-Encoding": "gzip, identity"})
        secret = target.api_key if key == OWN_KEY else key
        if secret is not None and (secret or key != OWN_KEY):
            sent["Authorization"] = f"Bearer {secret}"
        content = None
        if body is not None:
            sent["Content-Type"] = "application/json"
            content = json.dumps(body).encode()
        sent.update(headers)
        return sent, content

    def _request(
        self, method: str, path: str, body: object, key: str | None, headers: Mapping[str, str]
    ) -> Any:
        target = self.target
        sent, content = self._compose(body, key, headers)
        limits = dict.fromkeys(("connect", "read", "write", "pool"), target.timeout)
        return httpx.Request(
            method,
            target.url.rstrip("/") + path,
            headers=sent,
            content=content,
            extensions={"timeout": limits},
        )

    async def _exchange(self, request: Any, events: int = 0) -> Answer:
        answer, started, path = Answer(), time.perf_counter(), request.url.path
        reading = self._read(request, answer, started, events)
        try:
            await asyncio.wait_for(reading, self.target.timeout)
        except (asyncio.TimeoutError, httpx.TimeoutException):
            what = "no complete answer" if answer.status else "no answer"
            answer.fault = f"{what} within {self.target.timeout:g} s"
        except (httpx.HTTPError, httpx.StreamError, httpx.InvalidURL, OSError) as error:
            answer.fault = describe(error, begun=bool(answer.status))
        answer.ms = round((time.perf_counter() - started) * 1000)
        if self.watch is not None:
            self.watch(path, answer)
        return answer

    async def _read(
        self, request: httpx.Request, answer: Answer, started: float, events: int
    ) -> None:
        response = await self._http.send(request, stream=True)
        try:
            answer.status, answer.headers = response.status_code, response.headers
            encoding = response.headers.get("content-encoding", "identity").lower()
            if encoding not in ("gzip", "identity"):
                # Not read: gzip in gzip turns a few bytes into gigabytes
                answer.fault = f"the body is encoded as {encoding[:40]}, which was not requested"
                return
            size = 0
            async for data in response.aiter_bytes():
                kept = data[: max(0, MAX_BODY - size)]
                answer.chunks.append((time.perf_counter() - started, kept))
                size += len(data)
                if size > MAX_BODY:
                    answer.fault = f"body longer than {MAX_BODY} bytes"
                    return
                if events and answer.body.count(b"\n\n") >= events:
                    return
        finally:
            await response.aclose()
