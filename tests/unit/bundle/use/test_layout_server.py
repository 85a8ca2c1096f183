"""Test that a layout is served as a registry does, to read only."""

from __future__ import annotations

import http.client
import socket
from pathlib import Path

import pytest
from ansible.module_utils.tgi.bundle.bundle_form import BundleError
from ansible.module_utils.tgi.bundle.oci_layout import blob_path
from ansible.module_utils.tgi.bundle.use.layout_server import serving

from tests.support.bundle.small_bundle import make_layout


def test_manifests_and_blobs_are_served(tmp_path: Path) -> None:
    digest = make_layout(tmp_path)
    with serving(tmp_path, "127.0.0.1:0") as address:
        connection = http.client.HTTPConnection(address, timeout=5)

        def ask(method: str, path: str) -> tuple[int, str | None, bytes]:
            connection.request(method, path)
            reply = connection.getresponse()
            return reply.status, reply.getheader("Content-Type"), reply.read()

        content = (tmp_path / blob_path(digest)).read_bytes()
        kind = "application/vnd.oci.image.index.v1+json"
        assert ask("GET", "/v2/") == (200, "application/json", b"{}")
        assert ask("GET", f"/v2/org/tgi/manifests/{digest}") == (200, kind, content)
        assert ask("HEAD", f"/v2/org/tgi/manifests/{digest}") == (200, kind, b"")
        assert ask("GET", f"/v2/org/tgi/blobs/{digest}")[2] == content
        for path in (
            f"/v2/org/tgi/manifests/sha256:{'0' * 64}",
            "/v2/a/blobs/../../x",
            "/index.json",
        ):
            assert ask("GET", path)[0] == 404
        layer = next(
            one for one in (tmp_path / "blobs/sha256").iterdir() if b"layer for" in one.read_bytes()
        )
        assert ask("GET", f"/v2/a/manifests/sha256:{layer.name}")[0] == 404
        assert ask("PUT", f"/v2/org/tgi/manifests/{digest}")[0] == 501
        connection.close()
    host, _, port = address.partition(":")
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection((host, int(port)), timeout=5)


def test_a_port_that_is_taken_is_named(tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        address = f"127.0.0.1:{taken.getsockname()[1]}"
        with (
            pytest.raises(BundleError, match="cannot be served for Docker"),
            serving(tmp_path, address),
        ):
            pass
