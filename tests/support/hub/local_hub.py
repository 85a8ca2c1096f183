"""Speak the Hub's protocol on loopback, with faults on demand.

What it says is recorded from the Hub and its client: lists of files in pages, redirects to a
storage with another address, ranges, ETags, X-Error-Code and Retry-After.
"""

from __future__ import annotations

import hashlib
import json
import threading
import urllib.parse
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

Content = bytes | Path
_PIECE = 1 << 16


def sha256(content: Content) -> str:
    """Return what the Hub calls a large file's oid."""
    digest = hashlib.sha256()
    for piece in _pieces(content, 0):
        digest.update(piece)
    return digest.hexdigest()


def git_sha1(content: bytes) -> str:
    """Return git's name of a small file."""
    return hashlib.sha1(b"blob %d\0" % len(content) + content).hexdigest()


def length(content: Content) -> int:
    """Return its bytes."""
    return content.stat().st_size if isinstance(content, Path) else len(content)


@dataclass
class HubRepository:
    """One commit of a repository."""

    revision: str
    files: dict[str, Content]
    gated: bool = False
    private: bool = False
    #: Tokens whose account was given access
    readers: set[str] = field(default_factory=set)
    #: SHA-256 of files that are too large to be read for each answer
    digests: dict[str, str] = field(default_factory=dict)

    def oid(self, path: str) -> str:
        """Return the SHA-256 of a file."""
        return self.digests.get(path) or sha256(self.files[path])

    def is_large(self, path: str) -> bool:
        """Return whether the Hub keeps it in its storage, named by its SHA-256."""
        return path.endswith((".safetensors", ".bin", ".model"))


@dataclass
class HubFaults:
    """What goes wrong; each list is used up from its front."""

    #: Answers given before any other: status and headers
    replies: list[tuple[int, dict[str, str]]] = field(default_factory=list)
    #: The connection ends after so many bytes of a file
    cuts: list[int] = field(default_factory=list)
    #: Files that come with other bytes of the same length, and how often
    spoilt: dict[str, int] = field(default_factory=dict)
    ignores_range: bool = False
    #: Answers of the storage instead of files
    storage: list[int] = field(default_factory=list)
    #: The storage's address, when it is to be another
    storage_at: str = ""


class LocalHub:
    """A server with repositories; ``requests`` logs method, path and headers of each request."""

    def __init__(self) -> None:
        self.repositories: dict[str, HubRepository] = {}
        self.renamed: dict[str, str] = {}
        self.tokens: set[str] = set()
        self.faults = HubFaults()
        self.page = 1000
        self.requests: list[tuple[str, str, dict[str, str]]] = []
        self.lock = threading.Lock()
        #: The storage sends nothing before it is set
        self.open = threading.Event()
        self.open.set()
        self.port = 0
        #: Its name to others; its storage has another
        self.host = "127.0.0.1"

    @property
    def endpoint(self) -> str:
        """Return its address, as HF_ENDPOINT."""
        return f"http://{self.host}:{self.port}"

    @property
    def storage(self) -> str:
        """Return the address of its storage, which is another host to a client."""
        return self.faults.storage_at or f"http://localhost:{self.port}"

    def paths(self) -> list[str]:
        """Return what it was asked for."""
        return [path for _, path, _ in self.requests]

    def take(self, name: str) -> Any:
        """Return and remove the first of a list of faults; None when it is used up."""
        with self.lock:
            found = getattr(self.faults, name)
            return found.pop(0) if found else None


@contextmanager
def local_hub(address: str = "127.0.0.1") -> Iterator[LocalHub]:
    """Run a server for a test, at an address of this machine."""
    hub = LocalHub()
    handler = type("Handler", (_Handler,), {"hub": hub})
    with _Server((address, 0), handler) as server:
        hub.port = server.server_address[1]
        thread = threading.Thread(target=server.serve_forever, args=(0.02,))
        thread.start()
        try:
            yield hub
        finally:
            server.shutdown()
            thread.join()


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, *_: Any) -> None:
        """Say nothing of clients that were killed."""


class _Handler(BaseHTTPRequestHandler):
    hub: LocalHub
    protocol_version = "HTTP/1.1"
    # Headers and body in two packets wait for each other otherwise
    disable_nagle_algorithm = True

    def log_message(self, *_: Any) -> None:
        """Say nothing."""

    def do_HEAD(self) -> None:
        self.do_GET()

    def do_GET(self) -> None:
        hub = self.hub
        hub.requests.append((self.command, self.path, dict(self.headers)))
        parts = urllib.parse.urlsplit(self.path)
        path = urllib.parse.unquote(parts.path)
        if path.startswith("/storage/"):
            return self._storage(path, parts.query)
        if reply := hub.take("replies"):
            return self._say(*reply)
        token = self.headers.get("Authorization", "").removeprefix("Bearer ")
        if token and token not in hub.tokens:
            said = {"X-Error-Message": "Invalid credentials in Authorization header"}
            return self._say(401, said)
        api = path.startswith("/api/models/")
        name, kind, rest = self._split(path.removeprefix("/api/models") if api else path)
        if name in hub.renamed:
            new = self.path.replace(name, hub.renamed[name], 1)
            return self._say(307, {"Location": new})
        repository = hub.repositories.get(name)
        if repository is None or (repository.private and token not in repository.readers):
            return self._say(404 if token else 401, {"X-Error-Code": "RepoNotFound"})
        revision, _, file = rest.partition("/")
        if revision not in (repository.revision, "main"):
            return self._say(404, {"X-Error-Code": "RevisionNotFound"})
        if kind == "revision":
            return self._json({"id": name, "sha": repository.revision, "siblings": []})
        if kind == "tree":
            return self._tree(repository, parts)
        if repository.gated and token not in repository.readers:
            return self._say(403 if token else 401, {"X-Error-Code": "GatedRepo"})
        return self._resolve(repository, name, file)

    def _split(self, path: str) -> tuple[str, str, str]:
        for kind in ("revision", "tree", "resolve"):
            name, found, rest = path.partition(f"/{kind}/")
            if found:
                return name.strip("/"), kind, rest
        return path, "", ""

    def _tree(self, repository: HubRepository, parts: urllib.parse.SplitResult) -> None:
        query = dict(urllib.parse.parse_qsl(parts.query))
        start = int(query.get("cursor", 0))
        names = sorted(repository.files)
        entries = [self._entry(repository, name) for name in names[start : start + self.hub.page]]
        headers = {}
        if start + self.hub.page < len(names):
            more = {**query, "cursor": str(start + self.hub.page)}
            url = f"{self.hub.endpoint}{parts.path}?{urllib.parse.urlencode(more)}"
            headers["Link"] = f'<{url}>; rel="next"'
        self._json(entries, headers)

    def _entry(self, repository: HubRepository, path: str) -> dict[str, Any]:
        content = repository.files[path]
        size = length(content)
        entry: dict[str, Any] = {"type": "file", "path": path, "size": size}
        if repository.is_large(path):
            large = {"oid": repository.oid(path), "size": size, "pointerSize": 134}
            return {**entry, "oid": "0" * 40, "lfs": large}
        assert isinstance(content, bytes)
        return {**entry, "oid": git_sha1(content)}

    def _resolve(self, repository: HubRepository, name: str, path: str) -> None:
        content = repository.files.get(path)
        if content is None:
            return self._say(404, {"X-Error-Code": "EntryNotFound"})
        headers = {"X-Repo-Commit": repository.revision}
        if repository.is_large(path):
            oid = repository.oid(path)
            headers |= {"X-Linked-Etag": f'"{oid}"', "X-Linked-Size": str(length(content))}
            where = f"{self.hub.storage}/storage/{name}/-/{path}?signed=1"
            return self._say(302, {**headers, "ETag": f'"{oid}"', "Location": where})
        assert isinstance(content, bytes)
        return self._content(path, content, {**headers, "ETag": f'"{git_sha1(content)}"'})

    def _storage(self, path: str, query: str) -> None:
        name, _, file = path.removeprefix("/storage/").partition("/-/")
        if "Authorization" in self.headers or query != "signed=1":
            return self._say(400, {"X-Error-Message": "a signed address and a token at once"})
        if status := self.hub.take("storage"):
            return self._say(status, {})
        self.hub.open.wait(60)
        return self._content(file, self.hub.repositories[name].files[file], {})

    def _content(self, path: str, content: Content, headers: dict[str, str]) -> None:
        size, start = length(content), 0
        wanted = self.headers.get("Range", "")
        status = 200
        if wanted and not self.hub.faults.ignores_range:
            first, _, last = wanted.removeprefix("bytes=").partition("-")
            start = int(first)
            end = min(int(last) + 1, size) if last else size
            status = 206
            headers = {**headers, "Content-Range": f"bytes {start}-{end - 1}/{size}"}
        else:
            end = size
        self.send_response(status)
        for name, value in {**headers, "Content-Length": str(end - start)}.items():
            self.send_header(name, value)
        self.end_headers()
        if self.command == "HEAD":
            return
        self._send(path, content, start, end)

    def _send(self, path: str, content: Content, start: int, end: int) -> None:
        cut = self.hub.take("cuts")
        spoilt = self.hub.faults.spoilt.get(path, 0)
        if spoilt:
            self.hub.faults.spoilt[path] = spoilt - 1
        left = end - start if cut is None else min(cut, end - start)
        with suppress(ConnectionError):
            for piece in _pieces(content, start):
                piece = piece[:left]
                self.wfile.write(bytes(len(piece)) if spoilt else piece)
                left -= len(piece)
                if not left:
                    break
        if cut is not None:
            self.close_connection = True

    def _json(self, value: Any, headers: dict[str, str] | None = None) -> None:
        self._say(200, {"Content-Type": "application/json", **(headers or {})}, json.dumps(value))

    def _say(self, status: int, headers: dict[str, str], text: str = "{}") -> None:
        self.send_response(status)
        body = text.encode()
        for name, value in {**headers, "Content-Length": str(len(body))}.items():
            self.send_header(name, value)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)


def _pieces(content: Content, start: int) -> Iterator[bytes]:
    if isinstance(content, bytes):
        for place in range(start, len(content), _PIECE):
            yield content[place : place + _PIECE]
        return
    with content.open("rb") as file:
        file.seek(start)
        while piece := file.read(_PIECE):
            yield piece
