"""Send requests to the Hub, its storage or a mirror, over connections that are used again."""

from __future__ import annotations

import base64
import http.client
import ssl
import urllib.parse
from collections.abc import Mapping
from typing import NamedTuple

from .hub_problem import Asked, failure, no_address

#: Seconds without a byte
_SILENCE = 30.0
_REDIRECTS = 6
_MOVED = (301, 302, 303, 307, 308)
_AGENT = "tgi-ansible (hf_snapshot)"
#: Enough for any error page, so that the connection can be used again
_MOST_IGNORED = 1 << 20


class HubSource(NamedTuple):
    """From where files come. ``endpoint`` has no slash at its end."""

    endpoint: str = "https://huggingface.co"
    token: str = ""
    ca_file: str = ""
    #: As http_proxy, https_proxy and no_proxy of an environment, by these names
    proxies: Mapping[str, str] = {}


#: The Hub itself, without a token
PUBLIC = HubSource()


class HubReply(NamedTuple):
    """An answer whose body is still to be read."""

    status: int
    #: By lower-case names
    headers: Mapping[str, str]
    body: http.client.HTTPResponse
    #: Who answered in the end, and for which repository
    asked: Asked
    #: The path of the last address, from which a renamed repository is read
    path: str


class HubConnections:
    """The connections of one thread. Any error ends the one that it came from."""

    def __init__(self, source: HubSource, silence: float = _SILENCE) -> None:
        self._source = source
        self._silence = silence
        self._open: dict[tuple[str, str], http.client.HTTPConnection] = {}
        self._context: ssl.SSLContext | None = None

    def get(self, url: str, asked: Asked, headers: Mapping[str, str]) -> HubReply:
        """Follow redirects; the token goes to the endpoint's own address alone.

        Raise HubProblem without an answer.
        """
        for _ in range(_REDIRECTS):
            parts = _parts(url, asked)
            asked = asked._replace(host=parts.netloc, proxy=self._proxy_shown(parts))
            sent = {"User-Agent": _AGENT, "Accept-Encoding": "identity", **headers}
            if self._source.token and self._is_endpoint(parts):
                sent["Authorization"] = f"Bearer {self._source.token}"
            try:
                body = self._send(parts, sent)
            except (OSError, http.client.HTTPException) as error:
                raise failure(asked, error) from error
            found = {name.lower(): value for name, value in body.getheaders()}
            if body.status not in _MOVED or "location" not in found:
                return HubReply(body.status, found, body, asked, parts.path)
            self.finish(body, asked)
            url = _joined(url, found["location"], asked)
        raise failure(asked, OSError(f"more than {_REDIRECTS} redirects"))

    def finish(self, body: http.client.HTTPResponse, asked: Asked) -> None:
        """Read what is left of a short body, so that its connection can be used again."""
        try:
            body.read(_MOST_IGNORED)
            whole = body.isclosed()
        except (OSError, http.client.HTTPException):
            whole = False
        if not whole:
            self.drop(asked.host)

    def drop(self, host: str) -> None:
        """Close the connections to a host, such as ``example.org:8080``."""
        for key in [key for key in self._open if key[1] == host]:
            self._open.pop(key).close()

    def close(self) -> None:
        """Close all."""
        for connection in self._open.values():
            connection.close()
        self._open.clear()

    def _send(
        self, parts: urllib.parse.SplitResult, headers: Mapping[str, str]
    ) -> http.client.HTTPResponse:
        key = (parts.scheme, parts.netloc)
        target = urllib.parse.urlunsplit(("", "", parts.path or "/", parts.query, ""))
        proxy = self._proxy(parts)
        sent = dict(headers)
        if proxy and parts.scheme == "http":
            target = urllib.parse.urlunsplit((*parts[:4], ""))
            sent.update(_login(urllib.parse.urlsplit(proxy)))
        used = key in self._open
        connection = self._open.get(key) or self._connect(parts, proxy)
        try:
            connection.request("GET", target, headers=sent)
            answer = connection.getresponse()
        except (OSError, http.client.HTTPException):
            self.drop(parts.netloc)
            connection.close()
            if used:
                # The server ended a connection that was idle
                return self._send(parts, headers)
            raise
        self._open[key] = connection
        return answer

    def _connect(self, parts: urllib.parse.SplitResult, proxy: str) -> http.client.HTTPConnection:
        via = urllib.parse.urlsplit(proxy) if proxy else parts
        host = via.hostname or ""
        if parts.scheme == "http":
            return http.client.HTTPConnection(host, via.port or 80, timeout=self._silence)
        port = via.port or (80 if proxy else 443)
        connection = http.client.HTTPSConnection(
            host, port, timeout=self._silence, context=self._tls()
        )
        if proxy:
            connection.set_tunnel(parts.hostname or "", parts.port or 443, _login(via))
        return connection

    def _tls(self) -> ssl.SSLContext:
        if self._context is None:
            self._context = ssl.create_default_context()
            if self._source.ca_file:
                self._context.load_verify_locations(self._source.ca_file)
        return self._context

    def _is_endpoint(self, parts: urllib.parse.SplitResult) -> bool:
        own = urllib.parse.urlsplit(self._source.endpoint)
        return (parts.scheme, parts.netloc) == (own.scheme, own.netloc)

    def _proxy(self, parts: urllib.parse.SplitResult) -> str:
        proxies = self._source.proxies
        proxy = proxies.get(f"{parts.scheme}_proxy", "")
        if not proxy or _is_direct(parts.hostname or "", proxies.get("no_proxy", "")):
            return ""
        return proxy if "://" in proxy else f"http://{proxy}"

    def _proxy_shown(self, parts: urllib.parse.SplitResult) -> str:
        proxy = urllib.parse.urlsplit(self._proxy(parts))
        return proxy.netloc.rpartition("@")[2]


def _parts(url: str, asked: Asked) -> urllib.parse.SplitResult:
    """Return the parts of an address; a server may send one that is none."""
    try:
        parts = urllib.parse.urlsplit(url)
        web = parts.scheme in ("http", "https") and parts.hostname and (parts.port or 443)
    except ValueError:
        web = None
    if not web or not url.isascii():
        raise no_address(asked)
    return parts


def _joined(url: str, location: str, asked: Asked) -> str:
    try:
        return urllib.parse.urljoin(url, location)
    except ValueError as error:
        raise no_address(asked) from error


def _is_direct(host: str, no_proxy: str) -> bool:
    """Return whether no_proxy names a host: by its name, a domain above it, or "*"."""
    names = [name.strip().lstrip(".").lower() for name in no_proxy.split(",")]
    return any(name in ("*", host) or host.endswith(f".{name}") for name in names if name)


def _login(proxy: urllib.parse.SplitResult) -> dict[str, str]:
    if proxy.username is None:
        return {}
    pair = ":".join(map(urllib.parse.unquote, (proxy.username, proxy.password or "")))
    return {"Proxy-Authorization": f"Basic {base64.b64encode(pair.encode()).decode()}"}
