"""Test the question for a digest, against a small registry that speaks the API v2 on loopback."""

from __future__ import annotations

import hashlib
import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
from ansible.module_utils.tgi.client.registry_image import (
    ImageName,
    RegistryError,
    RegistryImage,
    look_up,
    read_name,
)

INDEX = "application/vnd.oci.image.index.v1+json"
MANIFEST = "application/vnd.oci.image.manifest.v1+json"
SCOPE = "repository:acme/tgi:pull"


def digest_of(data: bytes) -> str:
    return f"sha256:{hashlib.sha256(data).hexdigest()}"


class FakeRegistry:
    """Two tags, ``index`` and ``image``, behind an anonymous token; and what may go wrong."""

    def __init__(self) -> None:
        config = json.dumps(
            {
                "os": "linux",
                "architecture": "amd64",
                "created": "2025-12-18T10:00:00Z",
                "config": {"Labels": {"org.opencontainers.image.revision": "dfb3fbe"}},
            }
        ).encode()
        layers = [{"size": 3_000_000_000}, {"size": 2_000_000_000}]
        image = self._manifest(MANIFEST, config={"digest": digest_of(config)}, layers=layers)
        platforms = [("linux", "amd64", digest_of(image)), ("unknown", "unknown", digest_of(b"?"))]
        listed = [
            {"digest": digest, "platform": {"os": system, "architecture": processor}}
            for system, processor, digest in platforms
        ]
        self.index = self._manifest(INDEX, manifests=listed)
        self.image = image
        self.replies: dict[str, bytes] = {
            "manifests/index": self.index,
            "manifests/image": image,
            f"manifests/{digest_of(image)}": image,
            f"blobs/{digest_of(config)}": config,
        }
        self.status = 0
        self.tokens = True
        self.lies = False
        self.asked: list[str] = []

    @staticmethod
    def _manifest(kind: str, **fields: Any) -> bytes:
        return json.dumps({"schemaVersion": 2, "mediaType": kind, **fields}).encode()

    def answer(self, request: BaseHTTPRequestHandler) -> tuple[int, dict[str, str], bytes]:
        self.asked.append(request.path)
        host = request.headers["Host"]
        if request.path.startswith("/token?"):
            good = self.tokens and "scope=repository%3Aacme%2Ftgi%3Apull" in request.path
            return (200, {}, b'{"token": "anonymous"}') if good else (403, {}, b"{}")
        if request.headers.get("Authorization") != "Bearer anonymous":
            realm = f'Bearer realm="http://{host}/token",service="x",scope="{SCOPE}"'
            return 401, {"WWW-Authenticate": realm}, b"{}"
        body = self.replies.get(request.path.removeprefix("/v2/acme/tgi/"))
        if self.status or body is None:
            return self.status or 404, {}, b"{}"
        headers = {"Docker-Content-Digest": digest_of(body)}
        return 200, headers, body.replace(b"2", b"3", 1) if self.lies else body


@pytest.fixture
def registry() -> Iterator[tuple[FakeRegistry, str]]:
    """Serve a registry; give it, and its host and port."""
    fake = FakeRegistry()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            status, headers, body = fake.answer(self)
            self.send_response(status)
            for name, value in headers.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: Any) -> None:
            """Keep quiet."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    yield fake, f"127.0.0.1:{server.server_port}"
    server.shutdown()
    thread.join()
    server.server_close()


def ask(host: str, tag: str = "index", **options: Any) -> RegistryImage:
    found = look_up(read_name(f"{host}/acme/tgi:{tag}"), **options)
    assert isinstance(found, RegistryImage)
    return found


def test_an_index(registry: tuple[FakeRegistry, str]) -> None:
    fake, host = registry
    assert ask(host) == (
        digest_of(fake.index),
        "index",
        {"linux/amd64": digest_of(fake.image)},
        5_000_000_000,
        "2025-12-18T10:00:00Z",
        "dfb3fbe",
    )
    # One token serves all questions
    assert sum(path.startswith("/token") for path in fake.asked) == 1


def test_one_image(registry: tuple[FakeRegistry, str]) -> None:
    fake, host = registry
    found = ask(host, "image")
    assert (found.digest, found.kind) == (digest_of(fake.image), "image")
    assert found.platforms == {"linux/amd64": found.digest}


@pytest.mark.parametrize(
    ("change", "tag", "words"),
    [
        ({"tokens": False}, "index", "/acme/tgi:index is not public, or does not exist; correct"),
        ({}, "none", "/acme/tgi:none does not exist; correct the name or the tag"),
        ({"status": 429}, "index", "wants fewer questions (429); wait, then try again"),
        ({"status": 502}, "index", "answers 502; try again later"),
        ({"lies": True}, "index", "something on the way changes it; ask without that proxy"),
    ],
)
def test_a_refusal(
    registry: tuple[FakeRegistry, str], change: dict[str, Any], tag: str, words: str
) -> None:
    fake, host = registry
    vars(fake).update(change)
    with pytest.raises(RegistryError) as found:
        ask(host, tag)
    assert words in str(found.value)


def test_another_platform(registry: tuple[FakeRegistry, str]) -> None:
    with pytest.raises(RegistryError, match="no image for linux/arm64, only for linux/amd64;"):
        ask(registry[1], platform="linux/arm64")


def test_a_page_of_a_proxy(registry: tuple[FakeRegistry, str]) -> None:
    fake, host = registry
    fake.replies["manifests/index"] = b"<html>sign in</html>"
    with pytest.raises(RegistryError, match="sends no JSON, so it is no registry"):
        ask(host)


def test_silence() -> None:
    with pytest.raises(RegistryError, match=r"127\.0\.0\.1:1 does not answer \(.*; check name"):
        ask("127.0.0.1:1", timeout=5.0)


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("ghcr.io/huggingface/tgi:3.3.7", ("ghcr.io", "huggingface/tgi", "3.3.7")),
        ("localhost:5000/tgi", ("localhost:5000", "tgi", "latest")),
        ("debian:12", ("docker.io", "library/debian", "12")),
        ("vllm/vllm-openai", ("docker.io", "vllm/vllm-openai", "latest")),
        (f"a.b/c@sha256:{'0' * 64}", ("a.b", "c", f"sha256:{'0' * 64}")),
    ],
)
def test_a_name(text: str, parts: tuple[str, str, str]) -> None:
    assert read_name(text) == ImageName(*parts)


@pytest.mark.parametrize("text", ["", "Ghcr/X:1", "ghcr.io/tgi:", "a/b:-x", "a/b@sha256:1", "a b"])
def test_no_name(text: str) -> None:
    with pytest.raises(RegistryError, match="is no image's name; write registry/name:tag"):
        read_name(text)
