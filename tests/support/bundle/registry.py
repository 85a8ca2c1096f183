"""A registry that only gives: two routes over files, and a tiny image of two platforms."""

from __future__ import annotations

import hashlib
import io
import json
import tarfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

INDEX = "application/vnd.oci.image.index.v1+json"
MANIFEST = "application/vnd.oci.image.manifest.v1+json"


class Registry:
    """Blobs and manifests by digest; ``asked`` are the digests that were fetched."""

    def __init__(self) -> None:
        self.content: dict[str, tuple[str, bytes]] = {}
        self.asked: list[str] = []
        self.host = ""

    def put(self, content: bytes, kind: str = "application/octet-stream") -> dict[str, Any]:
        """Add something, and return how a manifest names it."""
        digest = f"sha256:{hashlib.sha256(content).hexdigest()}"
        self.content[digest] = (kind, content)
        return {"mediaType": kind, "digest": digest, "size": len(content)}

    def put_image(self, seed: str = "a") -> str:
        """Add an index of an image and an attestation, and return its pinned reference."""
        manifests = []
        for what in ("amd64", "attestation"):
            tar = io.BytesIO()
            with tarfile.open(fileobj=tar, mode="w") as archive:
                member = tarfile.TarInfo(f"{seed}-{what}")
                content = what[0].encode() * 5000
                member.size = len(content)
                archive.addfile(member, io.BytesIO(content))
            layer = self.put(tar.getvalue(), "application/vnd.oci.image.layer.v1.tar")
            config = {
                "architecture": "amd64" if what == "amd64" else "unknown",
                "os": "linux" if what == "amd64" else "unknown",
                "rootfs": {"type": "layers", "diff_ids": [layer["digest"]]},
            }
            kind = "application/vnd.oci.image.config.v1+json"
            inner = {
                "schemaVersion": 2, "mediaType": MANIFEST,
                "config": self.put(json.dumps(config).encode(), kind), "layers": [layer],
            }  # fmt: skip
            named = self.put(json.dumps(inner).encode(), MANIFEST)
            manifests.append({**named, "platform": {"architecture": config["architecture"],
                                                    "os": config["os"]}})  # fmt: skip
        index = {"schemaVersion": 2, "mediaType": INDEX, "manifests": manifests}
        digest = self.put(json.dumps(index).encode(), INDEX)["digest"]
        return f"{self.host}/tgi@{digest}"


@contextmanager
def registry() -> Iterator[Registry]:
    """Serve a registry on loopback, without TLS."""
    made = Registry()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            digest = self.path.rpartition("/")[2]
            kind, content = made.content.get(digest, ("", b""))
            found = bool(kind) or self.path == "/v2/"
            self.send_response(200 if found else 404)
            self.send_header("Content-Type", kind or "application/json")
            self.send_header("Content-Length", str(len(content)))
            if kind:
                self.send_header("Docker-Content-Digest", digest)
            self.end_headers()
            if self.command == "GET":
                made.asked += [digest] if kind else []
                self.wfile.write(content)

        do_HEAD = do_GET

        def log_message(self, *_: Any) -> None:
            """Stay silent."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    made.host = f"127.0.0.1:{server.server_port}"
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield made
    finally:
        server.shutdown()
        server.server_close()
