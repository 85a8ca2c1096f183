"""Requests sent as they are written, over real sockets and TLS."""

from __future__ import annotations

import asyncio
import ssl
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from ansible.module_utils.tgi.client import raw_request
from ansible.module_utils.tgi.client.answer import Answer
from ansible.module_utils.tgi.client.http_client import Client, Target

from tests.support.checks.raw_server import REFUSED, Server
from tests.support.tls_pairs import NAME, make


def raw(server: Server, tls: ssl.SSLContext | None = None, **more: Any) -> Answer:
    ca_file = more.pop("ca_file", "")
    hold, body = more.pop("hold", 0.0), more.pop("body", b"")

    async def work(url: str) -> Answer:
        target = Target(url, ca_file, timeout=10)
        return await raw_request.send_raw(target, "POST", "//x", body, more, hold=hold)

    answer: Answer = server.run(work, tls)
    return answer


def test_a_raw_request_goes_through_tls_that_is_verified(tmp_path: Path) -> None:
    root = make(called="root")
    leaf = make(by=root)
    (tmp_path / "root.crt").write_text(root.certificate)
    (tmp_path / "leaf.pem").write_text(leaf.certificate + leaf.key)
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(tmp_path / "leaf.pem")
    server = Server()
    answer = raw(server, tls, ca_file=str(tmp_path / "root.crt"))
    assert (answer.status, answer.body) == (401, b"{}")
    assert server.lines == ["POST //x HTTP/1.1"]
    assert f"Host: {NAME}:".encode() in server.heads[0]
    assert "certificate not accepted" in raw(Server(), tls).fault


@pytest.mark.parametrize(
    ("said", "fault"),
    [
        (b"", "connection closed without an answer"),
        (b"SSH-2.0-OpenSSH\r\n\r\n", "is not HTTP"),
        (b"HTTP/1.1 abc\r\n\r\n", "is not HTTP"),
    ],
)
def test_what_is_no_answer(said: bytes, fault: str) -> None:
    assert fault in raw(Server(lambda _: said)).fault


def test_a_server_that_wants_a_certificate_is_shown_it(tmp_path: Path) -> None:
    authority = make()
    leaf, ours = make(by=authority), make(by=authority, called="checks")
    files = {
        "ca": authority.certificate,
        "server": leaf.certificate + leaf.key,
        "ours": ours.certificate + ours.key,
    }
    for name, text in files.items():
        (tmp_path / name).write_text(text)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(tmp_path / "server")
    context.load_verify_locations(tmp_path / "ca")
    context.verify_mode = ssl.CERT_REQUIRED

    async def work(url: str) -> list[int]:
        shown = Target(url, str(tmp_path / "ca"), timeout=5, certificate=str(tmp_path / "ours"))
        states = []
        for target in (shown, replace(shown, certificate="")):
            async with Client(target) as client:
                states.append((await client.send("GET", "/health")).status)
            states.append((await raw_request.send_raw(target, "GET", "//")).status)
        return states

    assert Server().run(work, context) == [401, 401, 0, 0]


@pytest.mark.parametrize(
    "interim", [b"HTTP/1.1 103 Early Hints\r\n\r\n", b"HTTP/1.1 100 Go\r\n\r\n"]
)
def test_what_comes_before_the_answer_is_not_the_answer(interim: bytes) -> None:
    assert raw(Server(lambda _: interim + REFUSED)).status == 401


def test_nothing_there() -> None:
    async def work() -> Answer:
        return await raw_request.send_raw(Target("http://127.0.0.1:1"), "GET", "/")

    assert asyncio.run(work()).fault == "connection refused"
