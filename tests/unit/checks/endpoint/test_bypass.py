"""What goes over the wire: requests as they are written, doors that are knocked at."""

from __future__ import annotations

import asyncio
import socket
import ssl
from collections.abc import Awaitable, Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from ansible.module_utils.tgi.checks.endpoint import bypass, exposure, size
from ansible.module_utils.tgi.checks.endpoint.bypass import TRICKS
from ansible.module_utils.tgi.checks.endpoint.endpoint_session import Declared, EndpointSession
from ansible.module_utils.tgi.checks.selection import Model
from ansible.module_utils.tgi.client import fixed_address, raw_request
from ansible.module_utils.tgi.client.answer import Answer
from ansible.module_utils.tgi.client.http_client import Client, Target

from tests.support.tls_pairs import NAME, make

KEY = "sk-Checks-0123456789"
REFUSED = b"HTTP/1.1 401 No\r\ncontent-length: 2\r\n\r\n{}"
Reply = Callable[[bytes], bytes]


class Server:
    """Writes down every request's head as it came; ``reply`` says what it gets."""

    def __init__(self, reply: Reply = lambda _: REFUSED, greedy: bool = False) -> None:
        self.heads: list[bytes] = []
        self.bodies: list[bytes] = []
        self.reply, self.greedy = reply, greedy

    async def talk(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        self.heads.append(head)
        if self.greedy:
            length = int(head.lower().partition(b"content-length: ")[2].split(b"\r\n")[0])
            self.bodies.append(await reader.readexactly(length))
        writer.write(self.reply(head))
        writer.close()

    def run(self, work: Callable[[str], Awaitable[Any]], tls: ssl.SSLContext | None = None) -> Any:
        async def both() -> Any:
            server = await asyncio.start_server(self.talk, "127.0.0.1", 0, ssl=tls)
            port = server.sockets[0].getsockname()[1]
            try:
                return await work(f"http{'s' if tls else ''}://{NAME}:{port}")
            finally:
                server.close()

        return fixed_address.run(both(), {NAME: "127.0.0.1"})

    @property
    def lines(self) -> list[str]:
        return [head.split(b"\r\n")[0].decode() for head in self.heads]


def test_every_trick_is_sent_as_it_stands() -> None:
    server = Server()

    async def work(url: str) -> Any:
        async with Client(Target(url, api_key=KEY, timeout=5)) as client:
            return await bypass.auth_bypass(EndpointSession(client, [Model("small", "acme/small")]))

    found = server.run(work)
    assert not found.problem
    assert {f"{one.method} {one.path} HTTP/1.1" for one in TRICKS} <= set(server.lines)
    assert "POST //v1/chat/completions HTTP/1.1" in server.lines
    assert "POST /health/../v1/chat/completions HTTP/1.1" in server.lines
    assert "POST /%761/chat/completions HTTP/1.1" in server.lines
    assert not any(b"authorization" in head.lower() for head in server.heads)


@pytest.mark.parametrize(
    ("line", "status", "body"),
    [
        (b"POST //v1", 200, b'{"choices":[]}'),
        (b"POST /v1%2f", 422, b"{}"),
        (b"POST /health ", 200, b'{"choices":[]}'),
        (b"OPTIONS", 200, b"a page"),
        (b"HEAD", 200, b""),
        # FastAPI's word for a path that it knows without the slash
        (b"POST /v1/chat/completions/ ", 307, b""),
        (b"POST //v1", 301, b""),
        (b"POST /health ", 308, b""),
    ],
)
def test_a_trick_that_works_is_named(line: bytes, status: int, body: bytes) -> None:
    def reply(head: bytes) -> bytes:
        if not head.startswith(line):
            return REFUSED
        return b"HTTP/1.1 %d X\r\ncontent-length: %d\r\n\r\n%s" % (status, len(body), body)

    async def work(url: str) -> Any:
        async with Client(Target(url, timeout=5)) as client:
            return await bypass.auth_bypass(EndpointSession(client, [Model("small", "acme/small")]))

    found = Server(reply).run(work)
    assert line.decode().split()[0] in found.problem


def test_an_answer_in_chunks_is_an_answer() -> None:
    """By header nothing but the body tells, for /health itself is open to everybody."""

    def reply(head: bytes) -> bytes:
        if b"X-Original-URL" not in head:
            return REFUSED
        body = b'{"object":"chat.completion","choices":[]}'
        sent = b"%x\r\n%s\r\n0\r\n\r\n" % (len(body), body)
        return b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n" + sent

    async def work(url: str) -> Any:
        async with Client(Target(url, api_key=KEY, timeout=5)) as client:
            return await bypass.auth_bypass(EndpointSession(client, [Model("small", "acme/small")]))

    found = Server(reply).run(work)
    assert found.problem.startswith("X-Original-URL") and "engine answered" in found.problem


@pytest.mark.parametrize(
    "said",
    [
        b"HTTP/1.1 400 Bad Request\r\n\r\n<html>",
        b"HTTP/1.1 414 Too Long\r\n\r\n",
        b"",
        b"HTTP/1.1 204 No Content\r\n\r\n",
    ],
)
def test_other_refusals_are_refusals_too(said: bytes) -> None:
    def reply(head: bytes) -> bytes:
        plain = head.startswith(b"POST /v1/chat/completions ")
        only_options = said.startswith(b"HTTP/1.1 204") and not head.startswith(b"OPTIONS")
        return REFUSED if plain or only_options else said

    async def work(url: str) -> Any:
        async with Client(Target(url, timeout=5)) as client:
            return await bypass.auth_bypass(EndpointSession(client, [Model("small", "acme/small")]))

    assert not Server(reply).run(work).problem


def raw(server: Server, tls: ssl.SSLContext | None = None, **more: Any) -> Answer:
    ca_file = more.pop("ca_file", "")
    hold, body = more.pop("hold", 0.0), more.pop("body", b"")

    async def work(url: str) -> Answer:
        target = Target(url, ca_file, timeout=1)
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
        (b"SSH-2.0-OpenSSH\r\n\r\n", "no HTTP"),
        (b"HTTP/1.1 abc\r\n\r\n", "no HTTP"),
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


def check_size(server: Server, limit: int = 5000) -> Any:
    async def work(url: str) -> Any:
        declared = Declared(max_body_size=limit)
        async with Client(Target(url, api_key=KEY, timeout=5)) as client:
            return await size.body_size(
                EndpointSession(client, [Model("small", "acme/small")], declared=declared)
            )

    return server.run(work)


def by_length(most: int, otherwise: bytes = b"HTTP/1.1 422 X\r\n\r\n{}") -> Reply:
    def reply(head: bytes) -> bytes:
        length = int(head.lower().partition(b"content-length: ")[2].split(b"\r\n")[0])
        if length > most:
            return b"HTTP/1.1 413 Too large\r\n\r\n"
        return b"HTTP/1.1 100 Continue\r\n\r\n" if b"expect" in head.lower() else otherwise

    return reply


def test_the_declared_size_passes_and_the_larger_body_is_never_sent() -> None:
    server = Server(by_length(5000))
    found = check_size(server)
    assert found.problem == "" and "5000 pass (HTTP 422)" in found.observed
    assert b"Content-Length: 5001\r\n" in server.heads[0]
    assert b"Content-Length: 5000\r\n" in server.heads[1]


def test_a_server_that_wants_the_body_first_gets_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(size, "HOLD", 0.05)
    server = Server(by_length(5000, b"HTTP/1.1 422 X\r\n\r\n{}"), greedy=True)
    assert check_size(server).problem == ""
    assert [len(body) for body in server.bodies] == [5001, 5000]


@pytest.mark.parametrize(
    ("most", "said"),
    [(4999, "5000 bytes are refused"), (9999, "5001 bytes are let in")],
)
def test_another_size_than_declared(most: int, said: str) -> None:
    assert said in check_size(Server(by_length(most))).problem


def test_a_size_that_cannot_be_tried_is_no_pass() -> None:
    found = check_size(Server())
    assert found.problem and found.soft


def test_doors() -> None:
    async def work() -> list[str]:
        server = await asyncio.start_server(lambda *_: None, "127.0.0.1", 0)
        port = server.sockets[0].getsockname()[1]
        found = [await exposure.knock(f"127.0.0.1:{one}") for one in (port, 1)]
        found.append(await exposure.knock("no-such-host.invalid:80"))
        server.close()
        return found

    opened, closed, lost = asyncio.run(work())
    assert (opened, closed) == ("open", "closed")
    assert lost not in ("open", "closed")


def test_a_door_behind_which_packets_are_dropped(monkeypatch: pytest.MonkeyPatch) -> None:
    async def never(*_: Any) -> Any:
        await asyncio.sleep(60)

    monkeypatch.setattr(asyncio, "open_connection", never)
    assert asyncio.run(exposure.knock("203.0.113.1:8081", 0.05)) == "closed"


def test_an_open_engine_fails_and_one_of_this_machine_proves_nothing(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    assert exposure.judge_backends({"203.0.113.1:1": "closed"}).problem == ""
    found = exposure.judge_backends({"203.0.113.1:1": "closed", "203.0.113.2:8081": "open"})
    assert found.problem == "open to everybody: 203.0.113.2:8081" and not found.soft
    lost = exposure.judge_backends({"gpu9:1": "the server name does not resolve"})
    assert lost.problem and lost.soft
    monkeypatch.setattr(exposure, "is_this_machine", lambda _: True)
    own = exposure.judge_backends({"203.0.113.2:8081": "open"})
    assert own.soft and "not proven" in own.problem


def test_whose_address_it_is() -> None:
    assert not exposure.is_this_machine("127.0.0.1:80")
    assert not exposure.is_this_machine("203.0.113.1:80")
    assert not exposure.is_this_machine("gpu1:80")
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect(("203.0.113.1", 9))
        except OSError:
            pytest.skip("no address but loopback here")
        assert exposure.is_this_machine(f"{probe.getsockname()[0]}:80")
