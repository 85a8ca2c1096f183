"""Ask each engine for its model by the name that it expects."""

from __future__ import annotations

import asyncio
import json
from dataclasses import replace

import httpx
from ansible.module_utils.tgi.checks.run import Options, check

from tests.support.in_memory_tgi import MODEL


def test_other_engines_are_asked_by_the_models_own_name() -> None:
    asked: list[str] = []

    def handle(request: httpx.Request) -> httpx.Response:
        if request.content:
            asked.append(json.loads(request.content)["model"])
        return httpx.Response(404, json={})

    for engine in ("vllm", "tgi"):
        model = replace(MODEL, engine=engine)
        options = Options("direct", "x", [model], select=["chat.basic"])
        asyncio.run(check(replace(options, transport=httpx.MockTransport(handle))))
    assert asked == ["acme/small", "tgi"]
