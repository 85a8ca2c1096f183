"""Recognise an engine by what only it writes."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import Any

import httpx
import pytest
from ansible.module_utils.tgi.checks.results import Check
from ansible.module_utils.tgi.checks.run import Options, check
from ansible.module_utils.tgi.client.http_client import Client, Target
from ansible.module_utils.tgi.engines.detect import detect

from tests.support.in_memory_tgi import MODEL

TGI = {"model_id": "acme/small", "max_total_tokens": 2048, "router": "text-generation-router"}
VLLM = '# TYPE vllm:num_requests_running gauge\nvllm:num_requests_running{model_name="m"} 0\n'


def owned(by: str) -> dict[str, Any]:
    return {"object": "list", "data": [{"id": "m", "object": "model", "owned_by": by}]}


def serve(answers: dict[str, Any], **headers: str) -> httpx.MockTransport:
    """Answer paths with a dict as JSON or a string as text; all others with 404."""

    def handle(request: httpx.Request) -> httpx.Response:
        body = answers.get(request.url.path)
        if body is None:
            return httpx.Response(404, headers=headers)
        given: dict[str, Any] = {"text": body} if isinstance(body, str) else {"json": body}
        return httpx.Response(200, headers=headers, **given)

    return httpx.MockTransport(handle)


def detected(transport: httpx.MockTransport) -> str:
    async def ask() -> str:
        async with Client(Target("http://engine"), transport=transport) as client:
            found: str = await detect(client)
            return found

    name: str = asyncio.run(ask())
    return name


@pytest.mark.parametrize(
    ("answers", "engine"),
    [
        ({"/info": TGI, "/metrics": "", "/v1/models": owned("acme/small")}, "tgi"),
        ({"/info": {"model_id": "old", "max_total_tokens": 4096}}, "tgi"),
        ({"/metrics": "tgi_request_count 3\n"}, "tgi"),
        ({"/metrics": VLLM, "/v1/models": owned("vllm")}, "vllm"),
        ({"/v1/models": owned("vllm")}, "vllm"),
        ({"/v1/models": owned("sglang")}, "sglang"),
        ({"/metrics": "sglang:num_running_reqs 0.0\n"}, "sglang"),
        ({"/v1/models": owned("llamacpp")}, "llamacpp"),
        ({"/v1/models": owned("another")}, "openai"),
        ({"/info": {"version": "7"}}, "openai"),
        ({"/info": "<html>welcome</html>", "/metrics": "<html>tgi_</html>"}, "openai"),
        ({}, "openai"),
    ],
)
def test_detect(answers: dict[str, Any], engine: str) -> None:
    assert detected(serve(answers)) == engine


def test_llama_cpp_says_who_it_is_in_a_header() -> None:
    assert detected(serve({"/v1/models": owned("me")}, Server="llama.cpp")) == "llamacpp"


def test_a_closed_port_is_no_engine() -> None:
    def refuse(_: httpx.Request) -> httpx.Response:
        raise httpx.ConnectError("All connection attempts failed")

    assert detected(httpx.MockTransport(refuse)) == "openai"


def judged(declared: str, answers: dict[str, Any], **options: Any) -> Check:
    model = replace(MODEL, engine=declared, **options)
    found = Options("direct", "x", [model], select=["identity"], transport=serve(answers))
    return {one.id: one for one in asyncio.run(check(found)).checks}["engine.detected"]


VLLM_SERVER = {"/metrics": VLLM, "/v1/models": owned("vllm")}


@pytest.mark.parametrize(
    ("declared", "answers", "observed"),
    [
        ("vllm", VLLM_SERVER, ""),
        ("openai", VLLM_SERVER, ""),
        ("openai", {"/v1/models": owned("another")}, ""),
        ("tgi", VLLM_SERVER, "vllm answers, not tgi"),
        ("vllm", {"/info": TGI}, "tgi answers, not vllm"),
        ("tgi", {"/v1/models": owned("another")}, "no sign of tgi in its answers"),
        ("tgi", {}, "no sign of tgi in its answers (/v1/models: HTTP 404)"),
    ],
)
def test_the_declared_engine_must_answer(
    declared: str, answers: dict[str, Any], observed: str
) -> None:
    found = judged(declared, answers)
    assert found.status == ("fail" if observed else "pass")
    assert observed in found.observed


def test_the_engine_that_answers_is_named_in_the_remedy() -> None:
    assert "engine: vllm" in judged("tgi", VLLM_SERVER).remedy
