"""Read file lists and files of the Hub; wait and try again where that helps."""

from __future__ import annotations

import json
import threading
import time
import urllib.parse
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from ..common.file_system import size
from .hub_connection import HubConnections, HubReply, HubSource
from .hub_problem import Asked, HubProblem, failure, of_snapshot, refusal

#: Tries without a byte in between, before it gives up
TRIES = 6
#: How often the Hub may ask to wait, and for how many seconds at most
_MOST_WAITS = 20
_LONGEST_WAIT = 3600.0
#: Lists and indexes; the largest known index has 20 MB
MOST_TEXT = 64 << 20
#: A page has up to a thousand files
_MOST_PAGES = 200
_RENAMED = "/api/models/"


class Patience:
    """Decide after each failure whether to try again, and wait."""

    def __init__(self, pause: Callable[[float, HubProblem], None]) -> None:
        self._pause = pause
        self._failures = 0
        self._waits = 0

    def after(self, error: HubProblem) -> None:
        """Wait, or raise the error again."""
        if error.wait is None:
            self._failures += 1
        else:
            self._waits += 1
        if not error.again or self._failures >= TRIES or self._waits > _MOST_WAITS:
            raise error
        wait = 2.0 ** (self._failures - 1) if error.wait is None else error.wait + 1
        if wait > _LONGEST_WAIT:
            raise error
        self._pause(wait, error)

    def progress(self) -> None:
        """Forget the failures: bytes came."""
        self._failures = 0


class HubClient:
    """Ask one source. Safe in threads: each has connections of its own."""

    def __init__(
        self,
        source: HubSource,
        pause: Callable[[float, HubProblem], None] = lambda wait, _: time.sleep(wait),
    ) -> None:
        self.source = source
        self._pause = pause
        self._local = threading.local()

    def asked(self, repository: str, revision: str) -> Asked:
        """Return how problems name what is asked."""
        return Asked(repository, revision, self.source.endpoint, token=bool(self.source.token))

    def patience(self) -> Patience:
        """Return what counts the failures of one piece of work."""
        return Patience(self._pause)

    def connections(self) -> HubConnections:
        """Return this thread's."""
        if not hasattr(self._local, "connections"):
            self._local.connections = HubConnections(self.source)
        found: HubConnections = self._local.connections
        return found

    def tree(self, asked: Asked) -> tuple[list[dict[str, Any]], str]:
        """Return the entries of a commit, and the repository's new name if it was renamed."""
        name = urllib.parse.quote(asked.repository)
        path = f"{_RENAMED}{name}/tree/{asked.revision}?recursive=true&expand=false"
        url, entries, renamed = self.source.endpoint + path, [], ""
        for _ in range(_MOST_PAGES):
            page, headers, answered = self._json(url, asked)
            if not isinstance(page, list):
                raise of_snapshot("server", asked, "has no list of files", "ask the Hub itself")
            entries += page
            renamed = renamed or _new_name(answered, asked.repository)
            url = _next(url, headers.get("link", ""))
            if not url:
                return entries, renamed
        raise of_snapshot("server", asked, "has a list of files without end", "ask the Hub itself")

    def text(self, asked: Asked, path: str) -> bytes:
        """Return the content of a small file."""
        patience = self.patience()
        while True:
            try:
                return self._whole(self.resolve_url(asked, path), asked)[0]
            except HubProblem as error:
                patience.after(error)

    def resolve_url(self, asked: Asked, path: str) -> str:
        """Return the address of a file."""
        name, file = urllib.parse.quote(asked.repository), urllib.parse.quote(path)
        return f"{self.source.endpoint}/{name}/resolve/{asked.revision}/{file}"

    def start(self, asked: Asked, path: str, offset: int) -> HubReply:
        """Ask once for a file from a byte on; raise HubProblem unless it comes."""
        ranged = {"Range": f"bytes={offset}-"} if offset else {}
        return self._once(self.resolve_url(asked, path), asked, ranged)

    def _json(self, url: str, asked: Asked) -> tuple[Any, Mapping[str, str], str]:
        patience = self.patience()
        while True:
            try:
                body, reply = self._whole(url, asked)
                return json.loads(body), reply.headers, reply.path
            except HubProblem as error:
                patience.after(error)
            except (ValueError, RecursionError) as error:
                text = "answers with a page that is no JSON (a login page of a proxy?)"
                raise of_snapshot(
                    "server", asked, f"cannot be had: {self.source.endpoint} {text}",
                    "open that address on the host, and see who answers",
                ) from error  # fmt: skip

    def _whole(self, url: str, asked: Asked) -> tuple[bytes, HubReply]:
        reply = self._once(url, asked, {})
        try:
            length = reply.headers.get("content-length", "")
            told = int(length) if length.isdigit() else 0
            body = b"" if told > MOST_TEXT else reply.body.read(MOST_TEXT + 1)
            if len(body) < told <= MOST_TEXT:
                raise OSError(f"cut after {len(body)} of {length} bytes")
        except Exception as error:
            self.connections().drop(reply.asked.host)
            raise failure(reply.asked, error) from error
        if max(told, len(body)) > MOST_TEXT:
            self.connections().drop(reply.asked.host)
            what = f"cannot be had: a list from {reply.asked.host} is larger than {size(MOST_TEXT)}"
            raise of_snapshot("server", asked, what, "see who answers there, or ask the Hub itself")
        return body, reply

    def _once(self, url: str, asked: Asked, headers: Mapping[str, str]) -> HubReply:
        connections = self.connections()
        reply = connections.get(url, asked, headers)
        if reply.status in (200, 206, 416):
            return reply
        problem = refusal(reply.asked, reply.status, reply.headers)
        connections.finish(reply.body, reply.asked)
        raise problem


def _next(url: str, link: str) -> str:
    """Return the address of the next page, which a Link header names."""
    for part in _links(link):
        address, _, relation = part.partition(">")
        if 'rel="next"' in relation or "rel=next" in relation:
            return urllib.parse.urljoin(url, address.strip().lstrip("<"))
    return ""


def _links(header: str) -> Iterator[str]:
    return (part for part in header.split(", ") if part.strip().startswith("<"))


def _new_name(path: str, repository: str) -> str:
    """Return the name in the path that answered, unless it is the one that was asked for."""
    name = urllib.parse.unquote(path.partition(_RENAMED)[2].partition("/tree/")[0])
    return name if name and name != repository else ""
