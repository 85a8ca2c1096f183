"""Test routes that describe or control an engine, leaks, and open ports."""

from __future__ import annotations

import asyncio
import socket
from typing import Any

import httpx
import pytest
from ansible.module_utils.tgi.checks.endpoint import exposure
from ansible.module_utils.tgi.checks.endpoint.endpoint_session import (
    EndpointSession,
    Leaks,
)
from ansible.module_utils.tgi.checks.results import Outcome
from ansible.module_utils.tgi.client.answer import Answer
from ansible.module_utils.tgi.engines.profiles import ENGINES

from tests.support.checks.edge_probe import answers, ask


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
def test_a_redirect_is_no_closed_path(status: int) -> None:
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


def test_leaks_are_found_in_bodies_and_headers_and_never_shown() -> None:
    leaks = Leaks(("sk-Secret-0123", "short", ""))
    leaks.search("/good", Answer(200, {"x": "y"}, [(0.0, b"short sk-secret-0123")]))
    assert not leaks.paths
    leaks.search("/info", Answer(200, {}, [(0.0, b'{"api_key":"sk-Sec'), (0.1, b'ret-0123"}')]))
    leaks.search("/echo", Answer(401, {"x-key": "sk-Secret-0123"}))

    async def look(host: EndpointSession) -> Outcome:
        host.leaks = leaks
        return await exposure.auth_leak(host)

    found, _ = ask(look, answers(404))
    assert found.problem.endswith("in the answer of /echo, /info")
    assert "Secret" not in found.problem + found.evidence + found.observed


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
    assert found.problem == "open to all: 203.0.113.2:8081" and not found.soft
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
