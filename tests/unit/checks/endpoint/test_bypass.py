"""Test that tricks are sent byte for byte, and how their answers are judged."""

from __future__ import annotations

from typing import Any

import pytest
from ansible.module_utils.tgi.checks.endpoint import bypass
from ansible.module_utils.tgi.checks.endpoint.bypass import TRICKS
from ansible.module_utils.tgi.checks.endpoint.endpoint_session import EndpointSession
from ansible.module_utils.tgi.checks.selection import Model
from ansible.module_utils.tgi.client.http_client import Client, Target

from tests.support.checks.raw_server import KEY, REFUSED, Server


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
        # FastAPI's answer for a path that it has without the slash
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
    """Judge a trick by header by the body, because /health itself is open."""

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
