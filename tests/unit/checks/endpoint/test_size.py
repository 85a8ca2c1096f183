"""Test the limits of a body's size and of an answer's length."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import Any

import httpx
import pytest
from ansible.module_utils.tgi.checks.endpoint import size
from ansible.module_utils.tgi.checks.endpoint.endpoint_session import (
    Declared,
    EndpointSession,
)
from ansible.module_utils.tgi.checks.model.edge_vs_direct import figures_of
from ansible.module_utils.tgi.checks.results import Outcome
from ansible.module_utils.tgi.checks.selection import Model
from ansible.module_utils.tgi.checks.session import Session
from ansible.module_utils.tgi.client.answer import Answer
from ansible.module_utils.tgi.client.http_client import Client, Target

from tests.support.checks.raw_server import Reply, Server
from tests.support.fakes.gateway import KEY, NAME, FakeGateway
from tests.support.fast_time import fast_time
from tests.support.in_memory_tgi import MODEL


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
    [(4999, "5000 bytes are refused"), (9999, "5001 bytes are accepted")],
)
def test_another_size_than_declared(most: int, said: str) -> None:
    assert said in check_size(Server(by_length(most))).problem


def test_a_size_that_cannot_be_tried_is_no_pass() -> None:
    found = check_size(Server())
    assert found.problem and found.soft


def long(limit: int | None = None) -> tuple[Outcome, list[httpx.Request]]:
    async def work(fake: FakeGateway) -> Outcome:
        target = Target(f"https://{NAME}", api_key=KEY)
        async with Client(target, transport=fake.transport()) as client:
            model = replace(MODEL, max_total_tokens=limit)
            session = Session(model, client, "/models/small", "small")
            assert figures_of(await session.chat_stream())["tpot_ms"] > 0
            return await size.long_generation(session)

    with fast_time():
        fake = FakeGateway()
        return asyncio.run(work(fake)), fake.requests


def test_an_answer_that_ends_too_soon_proves_no_timeout(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(size, "LONG", 1.0)
    found, asked = long()
    assert found.soft and "ended by itself" in found.problem
    assert b'"stream": false' in asked[-1].content


def test_a_model_too_short_for_a_timeout_is_not_asked() -> None:
    found, asked = long(limit=2048)
    assert found.soft and "too short to reach a time-out" in found.problem
    assert len(asked) == 1


@pytest.mark.parametrize(
    ("answer", "seconds", "problem", "soft"),
    [
        (Answer(200), 70.0, "", False),
        (Answer(504), 60.0, "after 60 s: HTTP 504", False),
        (Answer(0, fault="connection closed without an answer"), 60.0, "connection closed", False),
        (Answer(429), 1.0, "HTTP 429", True),
        (Answer(200), 12.0, "ended by itself after 12 s", True),
    ],
)
def test_long_answers(answer: Answer, seconds: float, problem: str, soft: bool) -> None:
    found = size.judge_long(answer, seconds)
    assert problem in found.problem and bool(found.problem) == bool(problem)
    assert found.soft == soft
