"""Run one check of the edge view against answers in memory."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import httpx
from ansible.module_utils.tgi.checks.endpoint.endpoint_session import Declared, EndpointSession
from ansible.module_utils.tgi.checks.results import Outcome
from ansible.module_utils.tgi.checks.selection import Model
from ansible.module_utils.tgi.client.http_client import Client, Target

from tests.support.fakes.gateway import KEY, NAME


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
    """Return a reply: ``status``, or the one that ``by_path`` names for a path."""
    return lambda request: httpx.Response(by_path.get(request.url.path.strip("/"), status), json={})
