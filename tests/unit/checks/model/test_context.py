"""Test the context limit: as served, declared and enforced."""

from __future__ import annotations

import asyncio
import json
from dataclasses import replace
from typing import Any

import httpx
import pytest
from ansible.module_utils.tgi.checks.endpoint.endpoint_session import Declared
from ansible.module_utils.tgi.checks.model.context import (
    ContextLimits,
    judge_declared,
    judge_over,
    parse_limits,
)
from ansible.module_utils.tgi.checks.run import Options, check
from ansible.module_utils.tgi.client.answer import Answer

from tests.support.checks.answers import chat_reply, error, reply, silent
from tests.support.fakes.gateway import KEY, NAME, FakeGateway
from tests.support.in_memory_tgi import MODEL, InMemoryTgi

NONE = reply("", 404)
LIST = {"object": "list"}


@pytest.mark.parametrize(
    ("info", "models", "limits"),
    [
        (reply({"max_input_tokens": 7, "max_total_tokens": 8}), NONE, ContextLimits(7, 8)),
        (
            NONE,
            reply({**LIST, "data": [{"id": "m", "max_model_len": 512}]}),
            ContextLimits(None, 512),
        ),
        (
            NONE,
            reply({**LIST, "data": [{"id": "m", "meta": {"n_ctx": 1024, "n_ctx_train": 8192}}]}),
            ContextLimits(None, 1024, 8192),
        ),
        (reply({"max_input_tokens": True}), NONE, ContextLimits()),
        (NONE, reply({**LIST, "data": []}), ContextLimits()),
        (silent(), silent(), ContextLimits()),
        (reply("<html>"), reply("<html>"), ContextLimits()),
    ],
)
def test_limits(info: Answer, models: Answer, limits: ContextLimits) -> None:
    assert parse_limits(info, models) == limits


@pytest.mark.parametrize(
    ("answer", "problem", "soft"),
    [
        (error("`inputs` must have less than 1024 tokens. Given: 1100"), "", False),
        (error("too long"), "without naming the limit", True),
        (reply("length limit exceeded", 413), "refused for its size", True),
        (chat_reply("Paris"), "not enforced", False),
        (error("at most 1024 tokens", 400), "HTTP 400", False),
        (error("CUDA out of memory", 500), "HTTP 500", False),
        (silent("no answer within 30 s"), "no answer within 30 s", False),
    ],
)
def test_over(answer: Answer, problem: str, soft: bool) -> None:
    found = judge_over(answer, (422,), [1024, 2048])
    assert (problem in found.problem) if problem else not found.problem
    assert found.soft == soft


@pytest.mark.parametrize(
    ("limits", "problem"),
    [
        (ContextLimits(1024, 2048), ""),
        (ContextLimits(1023, 2048), "max_input_tokens is 1023, 1024 is declared"),
        (ContextLimits(1024, 4096), "max_total_tokens is 4096, 2048 is declared"),
        (ContextLimits(None, 2048), ""),
        (ContextLimits(), "names no context limit"),
    ],
)
def test_declared(limits: ContextLimits, problem: str) -> None:
    found = judge_declared(limits, MODEL)
    assert (problem in found.problem) if problem else not found.problem
    assert found.soft == (limits == ContextLimits())


def test_what_is_not_declared_is_reported() -> None:
    model = replace(MODEL, max_input_tokens=None, max_total_tokens=None)
    assert (
        judge_declared(ContextLimits(9, 10), model).observed
        == "max_input_tokens 9, max_total_tokens 10"
    )


def run(model: Any, fake: InMemoryTgi, *select: str) -> Any:
    options = Options("direct", "x", [model], select=select, transport=fake.transport())
    return {one.id: one for one in asyncio.run(check(options)).checks}


class Recorder(InMemoryTgi):
    """Record the longest body, and name another limit."""

    def __init__(self, limit: int) -> None:
        super().__init__()
        self.limit, self.longest = limit, 0

    async def handle(self, request: httpx.Request) -> httpx.Response:
        if request.url.path == "/info":
            return httpx.Response(200, json={"max_input_tokens": self.limit})
        self.longest = max(self.longest, len(request.content))
        if request.url.path == "/generate" and len(request.content) > self.limit:
            words = json.loads(request.content)["inputs"].count(" a")
            assert words > self.limit
            return httpx.Response(422, json={"error": f"less than {self.limit} tokens"})
        return await super().handle(request)


def test_a_long_context_is_exceeded_without_megabytes() -> None:
    fake = Recorder(131_072)
    assert run(MODEL, fake, "ctx.over")["ctx.over"].status == "pass"
    assert 2 * 131_072 < fake.longest < 300_000


@pytest.mark.parametrize("limit", [1_000_000, 10**15])
def test_a_context_that_no_body_can_exceed_is_a_warning(limit: int) -> None:
    fake = Recorder(limit)
    found = run(MODEL, fake, "ctx.over")["ctx.over"]
    assert found.status == "warn" and "does not fit" in found.observed
    assert fake.longest < 1000


class Gateway(FakeGateway):
    """Record the paths of long bodies."""

    def __init__(self, *faults: str) -> None:
        super().__init__(*faults)
        self.long: list[tuple[str, int]] = []

    async def gate(self, request: httpx.Request) -> httpx.Response:
        if b" a a a" in request.content:
            self.long.append((request.url.path, len(request.content)))
        return await super().gate(request)


def through(gateway: Gateway, model: Any = MODEL, most: int = 200_000) -> Any:
    options = Options(
        "edge", "x", [model], f"https://{NAME}", api_key=KEY, select=["ctx.over"],
        declared=Declared(max_body_size=most), transport=gateway.transport(),
    )  # fmt: skip
    return next(one for one in asyncio.run(check(options)).checks if one.id == "ctx.over")


def test_over_the_limit_through_the_gateway_with_one_request() -> None:
    gateway = Gateway()
    assert through(gateway).status == "pass"
    assert [path for path, _ in gateway.long] == ["/models/small/generate"]
    found = through(Gateway("no-context-limit"))
    assert found.status == "fail" and "not enforced" in found.observed


@pytest.mark.parametrize("limit", [10**30, 10**400])
@pytest.mark.parametrize("name", ["ctx.over", "ctx.near"])
def test_what_is_no_number_of_tokens_is_no_limit(name: str, limit: int) -> None:
    found = run(replace(MODEL, max_total_tokens=None), Recorder(limit), name)[name]
    assert found.status in ("pass", "warn") and len(found.observed) < 200


def test_the_gateway_s_own_limit_is_never_in_the_way() -> None:
    gateway = Gateway()
    found = through(gateway, replace(MODEL, max_total_tokens=100_000))
    assert found.status == "warn" and "does not fit into 199000 bytes" in found.observed
    assert not gateway.long
    assert through(gateway, replace(MODEL, max_total_tokens=90_000)).status == "pass"
    assert gateway.long[0][1] < 200_000


def test_a_list_of_several_models_tells_of_the_one() -> None:
    entries = [{"id": "other", "max_model_len": 9}, {"id": "small", "max_model_len": 7}]
    listed = reply({"object": "list", "data": entries})
    assert parse_limits(NONE, listed, "small") == ContextLimits(None, 7)
    assert parse_limits(NONE, listed, "third") == ContextLimits()
    assert parse_limits(NONE, listed) == ContextLimits(None, 9)


def test_near_the_limit_only_when_asked_for() -> None:
    assert "ctx.near" not in run(MODEL, InMemoryTgi(), "limits")
    assert run(MODEL, InMemoryTgi(), "ctx.near")["ctx.near"].status == "pass"
