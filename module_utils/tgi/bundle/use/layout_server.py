"""Serve the images of an OCI layout on loopback, read-only, as a registry does.

Docker pulls by digest from it, and no other way into Docker keeps the digest of an index.
"""

from __future__ import annotations

import contextlib
import re
import shutil
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from ...common.problem import problem
from ..bundle_form import DIGEST, BundleError
from ..oci_layout import blob_path, media_type, read_manifest

_ROUTE = re.compile(rf"/v2/[a-z0-9/._-]+/(manifests|blobs)/({DIGEST.pattern})")
_BYTES = "application/octet-stream"
_CHUNK = 1 << 20


class _LayoutHandler(BaseHTTPRequestHandler):
    """Answer GET and HEAD for manifests and blobs of ``layout``."""

    protocol_version = "HTTP/1.1"
    layout = Path()

    def do_HEAD(self) -> None:
        self._answer(body=False)

    def do_GET(self) -> None:
        self._answer(body=True)

    def log_message(self, format: str, *args: object) -> None:
        """Keep quiet: the output of the module is its result."""

    def _answer(self, body: bool) -> None:
        route = _ROUTE.fullmatch(self.path.partition("?")[0])
        if self.path in ("/v2", "/v2/"):
            self._head(200, 2, "application/json", "")
            if body:
                self.wfile.write(b"{}")
            return
        place = self.layout / blob_path(route[2]) if route else None
        if route is None or place is None or not place.is_file() or place.is_symlink():
            self._head(404, 0, "application/json", "")
            return
        kind = _BYTES
        if route[1] == "manifests":
            try:
                kind = media_type(read_manifest(self.layout, route[2]))
            except BundleError:
                self._head(404, 0, "application/json", "")
                return
        with place.open("rb") as file:
            self._head(200, place.stat().st_size, kind, route[2])
            if body:
                shutil.copyfileobj(file, self.wfile, _CHUNK)

    def _head(self, status: int, length: int, kind: str, digest: str) -> None:
        self.send_response(status)
        self.send_header("Docker-Distribution-Api-Version", "registry/2.0")
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(length))
        if digest:
            self.send_header("Docker-Content-Digest", digest)
        self.end_headers()


@contextlib.contextmanager
def serving(layout: Path, address: str) -> Iterator[str]:
    """Serve a layout on ``address``, HOST:PORT, and yield that; raise BundleError when it is taken.

    Port 0 takes a free one.
    """
    host, _, port = address.rpartition(":")
    handler = type("LayoutHandler", (_LayoutHandler,), {"layout": layout})
    try:
        server = ThreadingHTTPServer((host, int(port)), handler)
    except OSError as error:
        what = f"cannot be served for Docker ({error.strerror})"
        remedy = f"see who listens there (ss -ltnp sport = :{port}), and stop it for the run"
        raise BundleError(problem(f"{layout} on {address}", what, remedy)) from error
    thread = threading.Thread(target=server.serve_forever, args=(0.1,), daemon=True)
    thread.start()
    try:
        yield f"{host}:{server.server_address[1]}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
