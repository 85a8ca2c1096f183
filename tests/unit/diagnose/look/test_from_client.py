"""Inspect as a client: real sockets and TLS, with a gateway in memory behind them."""

from __future__ import annotations

import asyncio
import json
import socket
import ssl
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest
from ansible.module_utils.tgi.client.http_client import Target
from ansible.module_utils.tgi.diagnose.look import from_client
from ansible.module_utils.tgi.diagnose.look.from_client import Outside, look_from_outside

from tests.support.diagnose import looks
from tests.support.diagnose.looks import look, working_way_in
from tests.support.diagnose.pictures import CLIENT, call
from tests.support.fakes.gateway import KEY, NAME, FakeGateway
from tests.support.tls_pairs import make


class ToolGateway(FakeGateway):
    """A gateway whose engine answers tool calls with ``reply``."""

    def __init__(self, *faults: str, reply: Any = None, status: int = 200) -> None:
        super().__init__(*faults)
        self.reply, self.status = reply or call('{"city": "Paris"}'), status

    async def route(self, request: httpx.Request) -> httpx.Response:
        if request.content and json.loads(request.content).get("tools"):
            return httpx.Response(self.status, json=self.reply)
        return await super().route(request)


@pytest.fixture
def way_in() -> Iterator[None]:
    with working_way_in():
        yield


def cause_of(seen: dict[str, Any]) -> tuple[str, str]:
    return looks.cause_of(seen, "client")


@pytest.mark.usefixtures("way_in")
def test_all_well_and_of_the_shape_that_is_judged() -> None:
    seen = look(ToolGateway())
    assert cause_of(seen) == ("", "")
    assert set(seen) == set(CLIENT)
    for name in ("chat", "stream", "tools"):
        assert set(seen["models"][0][name]) == set(CLIENT["models"][0][name])
    assert seen["models"][0]["stream"]["ttft"] > 0 and seen["models"][0]["stream"]["chunks"] > 2
    assert KEY not in json.dumps(seen)


@pytest.mark.usefixtures("way_in")
@pytest.mark.parametrize(
    ("fake", "cause"),
    [
        (ToolGateway("refuses-all"), ("answer", "401")),
        (ToolGateway("no-generate"), ("chat", "424")),
        (ToolGateway("no-chat-template"), ("chat", "template")),
        (ToolGateway("empty-text"), ("chat", "content")),
        (ToolGateway("error-event"), ("stream", "content")),
        (ToolGateway("stream-cut"), ("stream", "closed")),
        (ToolGateway(reply=call("Paris")), ("tools", "arguments")),
    ],
    ids=lambda value: "-".join(value) if isinstance(value, tuple) else "",
)
def test_what_a_client_meets(fake: Any, cause: tuple[str, str]) -> None:
    seen = look(fake)
    assert cause_of(seen) == cause


@pytest.mark.usefixtures("way_in")
def test_other_statuses() -> None:
    for status in (403, 429, 502, 503, 504):

        class Closed(ToolGateway):
            async def route(self, request: httpx.Request) -> httpx.Response:
                if request.url.path == "/v1/models":
                    return await super().route(request)
                return httpx.Response(status, json={"error": {"message": "not now"}})  # noqa: B023

        seen = look(Closed("no-limit"))
        assert cause_of(seen) == ("chat", str(status))
        assert set(seen["models"][0]) == {"name", "declared", "info", "chat"}


@pytest.mark.usefixtures("way_in")
def test_a_name_that_leads_to_another_model() -> None:
    small = {"name": "small", "model_id": "acme/small", "chat": True}
    assert cause_of(look(ToolGateway(), models=[small])) == ("", "")
    seen = look(ToolGateway("wrong-model"), models=[small])
    assert cause_of(seen) == ("served", "other")


@pytest.mark.usefixtures("way_in")
def test_a_proxy_that_collects_streams() -> None:
    seen = look(ToolGateway("merges"))
    assert "merged" in seen["models"][0]["stream"]["bursts"]
    assert cause_of(seen) == ("speed", "collected")


@pytest.mark.usefixtures("way_in")
def test_without_a_key_nothing_is_asked() -> None:
    fake = ToolGateway()
    assert look(fake, key="")["answer"] is None
    assert fake.requests == []


@pytest.mark.usefixtures("way_in")
def test_a_model_without_a_chat_and_no_tools() -> None:
    seen = look(ToolGateway(), models=[{"name": "base", "chat": False}])
    assert set(seen["models"][0]) == {"name", "declared", "info", "chatless"}
    seen = look(ToolGateway(), tools=False)
    assert "tools" not in seen["models"][0] and cause_of(seen) == ("", "")


# --- the way in, with real sockets


@contextmanager
def listener(context: ssl.SSLContext | None = None) -> Iterator[int]:
    """A server that speaks TLS with a context, and plain HTTP without one."""
    server = socket.create_server(("127.0.0.1", 0))
    server.settimeout(10)

    def serve() -> None:
        while True:
            try:
                plug, _ = server.accept()
            except OSError:
                return
            with closing(plug):
                try:
                    if context:
                        with context.wrap_socket(plug, server_side=True) as wrapped:
                            wrapped.recv(1)
                    else:
                        plug.recv(10)
                        plug.sendall(b"HTTP/1.1 400 Bad Request\r\n\r\n")
                except OSError:
                    pass

    threading.Thread(target=serve, daemon=True).start()
    with closing(server):
        yield int(server.getsockname()[1])


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as server:
        return int(server.getsockname()[1])


def walk(port: int, ca_file: str = "") -> dict[str, Any]:
    target = Target(f"https://{NAME}:{port}", ca_file, KEY, 5)
    seen: dict[str, Any] = look_from_outside(Outside("gw1", target, "127.0.0.1"))
    return seen


def test_refused() -> None:
    seen = walk(free_port())
    assert seen["connect"]["state"] == "refused" and "tls" not in seen
    assert cause_of(seen) == ("connect", "refused")


def test_no_such_name() -> None:
    wish = Outside("gw1", Target("https://no-such-name.invalid"))
    assert cause_of(look_from_outside(wish)) == ("name", "no_address")


def test_timeout_and_a_second_address(monkeypatch: pytest.MonkeyPatch) -> None:
    async def never(*_: Any) -> None:
        await asyncio.sleep(60)

    with listener() as port:
        found = asyncio.run(from_client.connect(["127.0.0.2", "127.0.0.1"], port))
        assert (found["state"], found["address"]) == ("open", "127.0.0.1")
    monkeypatch.setattr(asyncio.SelectorEventLoop, "sock_connect", never)
    found = asyncio.run(from_client.connect(["127.0.0.1"], 1, 0.05))
    assert found["state"] == "timeout"


def test_plain_http_where_tls_is_wanted() -> None:
    with listener() as port:
        seen = walk(port)
    assert seen["tls"]["problem"] == "this port speaks plain HTTP, not TLS"
    assert cause_of(seen) == ("tls", "handshake")


@pytest.mark.parametrize(
    ("names", "start", "days", "code", "words"),
    [
        ((NAME,), -9, -1, "expired", "the certificate has expired"),
        ((NAME,), 3, 9, "not_yet", "the certificate is not valid yet"),
        (
            ("other.example.org",),
            -1,
            9,
            "handshake",
            "the certificate is for another name: leaf, issued by authority",
        ),
    ],
)
def test_certificates(
    tmp_path: Path, names: tuple[str, ...], start: float, days: float, code: str, words: str
) -> None:
    ca = make(())
    leaf = make(names, start=start, days=days, by=ca)
    for name, text in (("ca", ca.certificate), ("crt", leaf.certificate), ("key", leaf.key)):
        (tmp_path / name).write_text(text)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(tmp_path / "crt", tmp_path / "key")
    with listener(context) as port:
        seen = walk(port, str(tmp_path / "ca"))
    assert seen["tls"]["problem"] == words
    assert cause_of(seen) == ("tls", code)


def test_a_ca_file_that_is_none(tmp_path: Path) -> None:
    with listener() as port:
        seen = walk(port, str(tmp_path / "missing"))
    assert "a certificate file cannot be used" in seen["tls"]["problem"]
    assert cause_of(seen) == ("tls", "handshake")
