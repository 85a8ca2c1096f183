"""Test proxies, authorities and the use of a connection for many files."""

from __future__ import annotations

import socket
import ssl
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from ansible.module_utils.tgi.weights.hub_connection import HubConnections, HubSource
from ansible.module_utils.tgi.weights.hub_problem import Asked, HubProblem

from tests.support.hub.weight_sites import WeightSite
from tests.support.tls_pairs import make

ASKED = Asked("org/name", "0" * 40, "https://hub.example")


class Proxy:
    """Answer each connection with fixed words, and keep what it was asked."""

    def __init__(self, answer: bytes) -> None:
        self.asked: list[bytes] = []
        self._answer = answer
        self._server = socket.create_server(("127.0.0.1", 0))
        self.port = int(self._server.getsockname()[1])
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self) -> None:
        while True:
            try:
                connection, _ = self._server.accept()
            except OSError:
                return
            with connection:
                self.asked.append(connection.recv(65536))
                connection.sendall(self._answer)

    def close(self) -> None:
        self._server.close()


@pytest.fixture
def closed() -> Iterator[Proxy]:
    proxy = Proxy(b"HTTP/1.1 407 Proxy Authentication Required\r\nContent-Length: 0\r\n\r\n")
    yield proxy
    proxy.close()


def get(url: str, source: HubSource) -> bytes:
    connections = HubConnections(source, silence=5)
    reply = connections.get(url, ASKED, {})
    content = reply.body.read()
    connections.close()
    return content


@pytest.mark.parametrize("scheme", ["http", "https"])
def test_a_proxy_that_wants_a_login_is_named(closed: Proxy, scheme: str) -> None:
    address = f"http://user:p%40ss@127.0.0.1:{closed.port}"
    source = HubSource(f"{scheme}://hub.example", proxies={f"{scheme}_proxy": address})
    if scheme == "http":
        assert HubConnections(source).get("http://hub.example/x", ASKED, {}).status == 407
    else:
        with pytest.raises(HubProblem, match="wants a login") as caught:
            get("https://hub.example/x", source)
        assert caught.value.kind == "proxy"
        assert "p%40ss" not in str(caught.value)
        assert "p@ss" not in str(caught.value)
    first = closed.asked[0]
    assert first.startswith(
        b"GET http://hub.example/x" if scheme == "http" else b"CONNECT hub.example:443"
    )
    assert b"Proxy-Authorization: Basic dXNlcjpwQHNz" in first


def test_a_proxy_that_is_off_is_blamed_itself() -> None:
    source = HubSource("https://hub.example", proxies={"https_proxy": "127.0.0.1:9"})
    with pytest.raises(HubProblem, match=r"the proxy 127\.0\.0\.1:9 does not lead to hub\.example"):
        get("https://hub.example/x", source)


@pytest.mark.parametrize("no_proxy", ["*", "127.0.0.1", "x, .0.0.1"])
def test_no_proxy_leads_past_it(site: WeightSite, closed: Proxy, no_proxy: str) -> None:
    proxies = {"http_proxy": f"http://127.0.0.1:{closed.port}", "no_proxy": no_proxy}
    get(f"{site.hub.endpoint}/org/x", HubSource(site.hub.endpoint, proxies=proxies))
    assert closed.asked == []


def test_an_authority_is_trusted_when_it_is_named(tls_server: tuple[str, Path]) -> None:
    url, authority = tls_server
    with pytest.raises(HubProblem, match="name the file as tgi_ca_file") as caught:
        get(url, HubSource(url))
    assert caught.value.kind == "tls"
    assert get(url, HubSource(url, ca_file=str(authority))) == b"hello"


@pytest.fixture
def tls_server(tmp_path: Path) -> Iterator[tuple[str, Path]]:
    authority = make()
    pair = make(("localhost",), by=authority)
    certificate, key = tmp_path / "certificate.pem", tmp_path / "key.pem"
    trusted = tmp_path / "authority.pem"
    certificate.write_text(pair.certificate)
    key.write_text(pair.key)
    trusted.write_text(authority.certificate)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    server = socket.create_server(("127.0.0.1", 0))

    def serve() -> None:
        for _ in range(2):
            connection, _ = server.accept()
            try:
                with context.wrap_socket(connection, server_side=True) as wrapped:
                    wrapped.recv(65536)
                    wrapped.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello")
            except OSError:
                continue

    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    yield f"https://localhost:{server.getsockname()[1]}", trusted
    thread.join(5)
    server.close()


def test_many_files_come_over_few_connections(site: WeightSite) -> None:
    opened = []
    real = socket.create_connection

    def counting(address: tuple[str, int], *values: object, **more: object) -> socket.socket:
        opened.append(address)
        return real(address, *values, **more)  # type: ignore[arg-type]

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(socket, "create_connection", counting)
        site.fetch(workers=1)
    # Lists by one thread; then files, and the storage, by another
    assert len(opened) <= 4, opened
