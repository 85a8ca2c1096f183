"""Check which web pages may call the endpoint from a browser (CORS)."""

from __future__ import annotations

import asyncio

from ...client.answer import Answer
from ...common.text import trim
from ..judges.http_answer import outcome
from ..judges.questions import nonce
from ..results import Outcome
from .endpoint_session import ALLOW_ORIGIN, EndpointSession
from .without_key import MAIN

#: What a browser wants to send to a chat route.
_ASKED = {
    "Access-Control-Request-Method": "POST",
    "Access-Control-Request-Headers": "authorization,content-type",
}


async def cors_origins(host: EndpointSession) -> Outcome:
    """Ask as the browser of a declared page does, and as that of a made-up page.

    The answers of all other checks count too: an engine may allow every page by itself.
    """
    made_up, declared = f"https://{nonce()}.invalid", host.declared.cors_origins or ()
    question = _ask(host, made_up)
    if not declared:
        return judge_strangers(host, made_up, await question)
    page = {"Origin": declared[0]}
    # A browser shows a refusal to its page only with the header: without it, "network error"
    reading = host.client.send("GET", "/v1/models", key=None, headers=page, paced=False)
    refused, asked, read = await asyncio.gather(question, _ask(host, declared[0]), reading)
    problems = judge_page(declared[0], asked, read)
    if problems:
        return outcome(asked, problems, "")
    return judge_strangers(host, made_up, refused)


async def _ask(host: EndpointSession, page: str) -> Answer:
    headers = {"Origin": page, **_ASKED}
    return await host.client.send("OPTIONS", MAIN, key=None, headers=headers)


def judge_page(page: str, asked: Answer, read: Answer) -> list[str]:
    """Return what keeps a page's browser from calling."""
    seen = asked.fault or f"HTTP {asked.status}"
    if not 200 <= asked.status < 300:
        return [f"OPTIONS from {page}: {seen}"]
    if asked.headers.get(ALLOW_ORIGIN) not in (page, "*"):
        return [f"OPTIONS from {page}: no Access-Control-Allow-Origin for it"]
    if "authorization" not in asked.headers.get("access-control-allow-headers", "").lower():
        return [f"OPTIONS from {page}: the header Authorization is not allowed"]
    if read.headers.get(ALLOW_ORIGIN) not in (page, "*"):
        seen = trim(read.headers.get(ALLOW_ORIGIN) or "no Access-Control-Allow-Origin", 60)
        return [f"HTTP {read.status} to {page}: {seen}"]
    return []


def judge_strangers(host: EndpointSession, made_up: str, asked: Answer) -> Outcome:
    """Judge whether a page that is not declared may call."""
    declared = host.declared.cors_origins or ()
    problems = []
    if asked.headers.get(ALLOW_ORIGIN) in (made_up, "*"):
        problems.append("OPTIONS allows a made-up page")
    others = {path: page for path, page in host.leaks.allowed.items() if page not in declared}
    if others:
        path, page = next(iter(others.items()))
        problems.append(f"{path} allows {trim(page, 60)}")
    count = len(declared) or "no"
    return outcome(asked, problems, f"{count} web page{'s' * (count != 1)} may call")
