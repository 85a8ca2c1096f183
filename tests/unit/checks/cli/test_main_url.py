"""Test what the command says of a URL with the wrong scheme, and of checks that it leaves out."""

from __future__ import annotations

import contextlib
import re
import ssl
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import httpx
import pytest
from ansible.module_utils.tgi.checks.cli import main

from tests.support import tls_pairs
from tests.support.emulator_process import running
from tests.support.fakes.gateway import KEY, NAME, FakeGateway
from tests.support.in_memory_tgi import InMemoryTgi


@pytest.fixture(autouse=True)
def key(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TGI_CHECK_KEY", KEY)


@contextlib.contextmanager
def tls_server(folder: Path) -> Iterator[int]:
    """Yield the port of a server that closes a connection without TLS, and says nothing."""
    pair, file = tls_pairs.make(), folder / "pair.pem"
    file.write_text(pair.certificate + pair.key)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(file)
    server = HTTPServer(("127.0.0.1", 0), BaseHTTPRequestHandler)
    server.socket = context.wrap_socket(server.socket, server_side=True)
    server.handle_error = lambda *_: None  # type: ignore[method-assign]
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield server.server_port
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@pytest.mark.parametrize(
    "told",
    [
        "<center>The plain HTTP request was sent to HTTPS port</center>",
        "Client sent an HTTP request to an HTTPS server.",
    ],
)
def test_http_to_a_port_of_tls_is_told(told: str, capsys: pytest.CaptureFixture[str]) -> None:
    server = httpx.MockTransport(lambda _: httpx.Response(400, text=told))
    assert main.main(["http://gpu1:8443/v1"], server) == main.USELESS
    assert "gpu1:8443 speaks https: write https://gpu1:8443\n" in capsys.readouterr().err


def test_http_to_a_server_that_only_closes_is_told(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with tls_server(tmp_path) as port:
        assert main.main([f"http://127.0.0.1:{port}"]) == main.USELESS
    assert f"write https://127.0.0.1:{port}\n" in capsys.readouterr().err


def test_https_to_a_plain_port_is_told(capsys: pytest.CaptureFixture[str]) -> None:
    with running() as engine:
        url = engine.url.replace("http://", "https://")
        assert main.main([url, "--http-port", "0"]) == main.USELESS
    assert f"speaks http: write {engine.url}\n" in capsys.readouterr().err


def test_what_is_left_out_names_options_of_the_command(
    capsys: pytest.CaptureFixture[str],
) -> None:
    fake = FakeGateway()
    main.main([f"https://{NAME}", "--http-port", "0", "--without-chat"], fake.transport())
    main.main(["http://gpu1:8081", "--without-tools"], InMemoryTgi().transport())
    left = [one for one in capsys.readouterr().out.splitlines() if one.startswith("left out")]
    assert not re.search(r"(?:gateway|checks|tgi)_\w+", "".join(left)), left
    options = ("--http-port", "--rate", "--without-chat", "--without-tools", "--model")
    for option in (*options, "--openai-dialect"):
        assert any(f"({option})" in one for one in left), option
