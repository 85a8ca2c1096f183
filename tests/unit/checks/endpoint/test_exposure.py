"""Routes that show or steer an engine, leaks, manners, and answers that take long."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import Any

import httpx
import pytest
from ansible.module_utils.tgi.checks.endpoint import auth, exposure, size, web
from ansible.module_utils.tgi.checks.endpoint.endpoint_session import (
    Declared,
    EndpointSession,
    Leaks,
)
from ansible.module_utils.tgi.checks.model.edge_vs_direct import figures_of
from ansible.module_utils.tgi.checks.results import Outcome
from ansible.module_utils.tgi.checks.selection import Model
from ansible.module_utils.tgi.checks.session import Session
from ansible.module_utils.tgi.client.answer import Answer
from ansible.module_utils.tgi.client.http_client import Client, Target
from ansible.module_utils.tgi.engines.profiles import ENGINES

from tests.support.fakes.gateway import KEY, NAME, FakeGateway
from tests.support.fakes.tgi import MODEL


def ask(
    check: Callable[[EndpointSession], Awaitable[Outcome]],
    reply: Callable[[httpx.Request], httpx.Response],
    *engines: str,
    **declared: Any,
) -> tuple[Outcome, list[httpx.Request]]:
    """Run a check against a server in memory that serves a model of each engine."""
    asked: list[httpx.Request] = []

    def noted(request: httpx.Request) -> httpx.Response:
        asked.append(request)
        return reply(request)

    async def work() -> Outcome:
        transport = httpx.MockTransport(noted)
        target = Target(f"https://{NAME}", api_key=KEY)
        async with Client(target, transport=transport) as client:
            models = [Model(one, "acme/small", engine=one) for one in engines or ("tgi",)]
            host = EndpointSession(
                client, models, declared=Declared(**declared), transport=transport
            )
            return await check(host)

    return asyncio.run(work()), asked


def answers(status: int, **by_path: int) -> Callable[[httpx.Request], httpx.Response]:
    return lambda request: httpx.Response(by_path.get(request.url.path.strip("/"), status), json={})


@pytest.mark.parametrize("engine", ENGINES)
def test_control_routes_are_never_posted_to(engine: str) -> None:
    found, asked = ask(exposure.control_private, answers(404), engine)
    assert not found.problem
    assert {request.method for request in asked} <= {"GET", "HEAD"}
    keyed = [request for request in asked if "authorization" in request.headers]
    assert bool(keyed) == (engine in exposure.CONTROL_PATHS)


@pytest.mark.parametrize("status", [200, 405, 422, 500])
def test_a_control_route_that_is_there_fails(status: int) -> None:
    found, _ = ask(exposure.control_private, answers(404, sleep=status))
    assert f"GET /sleep without a key: HTTP {status}" in found.problem
    assert ("POST would reach it" in found.problem) == (status == 405)


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_a_redirect_over_https_is_an_engine_s_and_no_refusal(status: int) -> None:
    found, _ = ask(auth.auth_missing, answers(401, invocations=status))
    assert (
        f"/invocations without a key: HTTP {status}, which the gateway itself never sends"
        in found.problem
    )
    found, _ = ask(exposure.docs_private, answers(404, docs=status))
    assert found.problem == f"/docs from outside: HTTP {status}"


def test_a_control_route_behind_a_key_fails_too() -> None:
    def reply(request: httpx.Request) -> httpx.Response:
        keyed = "authorization" in request.headers
        return httpx.Response(405 if keyed and request.url.path == "/collective_rpc" else 401)

    found, _ = ask(exposure.control_private, reply, "vllm")
    assert "GET /collective_rpc with a key: HTTP 405" in found.problem


def test_what_the_engines_show_is_asked_for() -> None:
    _, asked = ask(exposure.docs_private, answers(404), "tgi", "vllm", "llamacpp")
    paths = {request.url.path for request in asked}
    assert {"/info", "/api-doc/openapi.json", "/version", "/props", "/slots"} <= paths
    assert "/model_info" not in paths


def test_info_may_be_meant_to_be_open() -> None:
    found, asked = ask(exposure.docs_private, answers(404, info=200), public_info=True)
    assert not found.problem and "/info" not in {request.url.path for request in asked}
    assert ask(exposure.docs_private, answers(404, info=200))[0].problem


def test_the_evidence_is_the_open_door_s_own() -> None:
    found, _ = ask(exposure.metrics_private, answers(404, stub_status=200))
    assert "/stub_status from outside: HTTP 200" in found.problem
    assert found.evidence.startswith("HTTP 200")

    def reply(request: httpx.Request) -> httpx.Response:
        given = request.headers.get("authorization", "")
        return httpx.Response(200 if given == f"Bearer {KEY.swapcase()}" else 401, json={})

    found, _ = ask(auth.auth_wrong, reply)
    assert found.problem == "the key in another case gets HTTP 200"
    assert found.evidence.startswith("HTTP 200")


def test_leaks_are_found_in_bodies_and_headers_and_never_shown() -> None:
    leaks = Leaks(("sk-Secret-0123", "short", ""))
    leaks.look("/good", Answer(200, {"x": "y"}, [(0.0, b"short sk-secret-0123")]))
    assert not leaks.paths
    leaks.look("/info", Answer(200, {}, [(0.0, b'{"api_key":"sk-Sec'), (0.1, b'ret-0123"}')]))
    leaks.look("/echo", Answer(401, {"x-key": "sk-Secret-0123"}))

    async def look(host: EndpointSession) -> Outcome:
        host.leaks = leaks
        return await exposure.auth_leak(host)

    found, _ = ask(look, answers(404))
    assert found.problem.endswith("in the answer of /echo, /info")
    assert "Secret" not in found.problem + found.evidence + found.observed


@pytest.mark.parametrize(
    ("value", "problem"),
    [
        ("max-age=63072000", ""),
        ('Max-Age="63072000"; includeSubDomains', ""),
        ("max-age=60", "max-age is 60"),
        ("includeSubDomains", "without max-age"),
        ("", "no Strict-Transport-Security"),
    ],
)
def test_hsts(value: str, problem: str) -> None:
    found = web.judge_hsts(value, 63072000)
    assert problem in found and bool(found) == bool(problem)


@pytest.mark.parametrize(
    ("server", "tells"),
    [("nginx", False), ("nginx/1.22.1", True), ("uvicorn", False), ("Apache/2.4.1 (Debian)", True)],
)
def test_server_tokens(server: str, tells: bool) -> None:
    found, _ = ask(
        web.server_tokens, lambda _: httpx.Response(401, headers={"server": server}, json={})
    )
    assert bool(found.problem) == tells


def test_an_error_page_of_nginx_tells_its_version_too() -> None:
    page = "<html><hr><center>nginx/1.22.1</center></html>"
    assert ask(web.server_tokens, lambda _: httpx.Response(401, html=page))[0].problem


def long(limit: int | None = None) -> tuple[Outcome, list[httpx.Request]]:
    fake = FakeGateway()

    async def work() -> Outcome:
        target = Target(f"https://{NAME}", api_key=KEY)
        async with Client(target, transport=fake.transport()) as client:
            model = replace(MODEL, max_total_tokens=limit)
            session = Session(model, client, "/models/small", "small")
            assert figures_of(await session.chat_stream())["tpot_ms"] > 0
            return await size.long_generation(session)

    return asyncio.run(work()), fake.requests


def test_an_answer_that_ends_too_soon_proves_no_timeout(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(size, "LONG", 1.0)
    found, asked = long()
    assert found.soft and "ended by itself" in found.problem
    assert b'"stream": false' in asked[-1].content


def test_a_model_too_short_for_a_timeout_is_not_asked() -> None:
    found, asked = long(limit=2048)
    assert found.soft and "too short to meet a time-out" in found.problem
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
