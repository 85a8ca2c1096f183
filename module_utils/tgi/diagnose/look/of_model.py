"""Ask one model on its own port: is it the deployed one, does it generate, does it make sense?"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from ...checks.selection import Model
from ...checks.session import Session
from ...client.http_client import HTTPX_ERROR, Client, Target
from ...client.plain_client import PlainClient
from ...client.rate_limiter import Pacer
from ...engines.tgi.one_token import HEALTH
from .asked_checks import AT_A_TIME, FIRST, ask_checks, ask_the_rest
from .requests import talk, view_generate, view_http, view_info, view_load


@dataclass(frozen=True)
class Manner:
    """How to ask: ``timeout`` is of one request, in seconds, and half of a check's."""

    tools: bool = True
    canary_passes: int = 2
    timeout: float = 30.0
    transport: Any = None


async def ask_model(model: Model, how: Manner) -> dict[str, Any]:
    """Return what each request got; what stands on a failed one is not asked.

    About 20 requests and 300 tokens, at most AT_A_TIME at once.
    """
    async with _open(model.url, how) as client:
        said: dict[str, Any] = {"health": view_http(await client.send("GET", HEALTH))}
        if not said["health"]["status"]:
            return said
        session = Session(
            model, client, served="tgi", witness=True, canary_passes=how.canary_passes
        )
        said["info"] = view_info(await session.info())
        said["checks"] = await ask_checks(session, FIRST, 2 * how.timeout)
        reading, _ = await session.first_reading()
        said["load"] = view_load(reading)
        said["generate"] = view_generate(await session.generate())
        if said["generate"]["problem"]:
            return said
        if model.chat:
            said.update(await talk(session, how.tools and model.tools))
            if said["chat"]["problem"]:
                return said
        said["checks"].update(await ask_the_rest(session, 2 * how.timeout))
    return said


def _open(url: str, how: Manner) -> Client:
    """Return a client, with httpx where the host has it."""
    target, pacer = Target(url, timeout=how.timeout), Pacer(concurrent=AT_A_TIME + 1)
    if HTTPX_ERROR:
        return PlainClient(target, pacer=pacer)
    return Client(target, pacer=pacer, transport=how.transport)
