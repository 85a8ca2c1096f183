"""Check the gateway's redirect, list of models, unknown models and headers."""

from __future__ import annotations

import asyncio
import re

from ...client.http_problem import dig, http_problem
from ...common.text import trim
from ..judges import chat
from ..judges.http_answer import excerpt, outcome
from ..judges.identity import judge_list
from ..judges.questions import nonce
from ..results import Outcome
from .endpoint_session import EndpointSession
from .without_key import MAIN

PERMANENT = (301, 308)
_VERSION = re.compile(r"/\d|\b\d+\.\d")


async def http_redirect(host: EndpointSession) -> Outcome:
    """Check that plain HTTP only redirects, to the same path under https."""
    path = f"/v1/models?probe={nonce()}"
    if host.plain is None:
        return Outcome("no plain port to check", "no plain port to check")
    body = chat.request_body("tgi", "Say one word.", 1)
    answer, post = await asyncio.gather(
        host.plain.send("GET", path, key=None),
        host.plain.send("POST", "/v1/chat/completions", body, key=None),
    )
    problems, place = [], answer.headers.get("location", "")
    if answer.status not in PERMANENT:
        problems.append(f"GET: {http_problem(answer, 308)}, expected a permanent redirect")
    elif place != host.origin + path:
        problems.append(f"redirects to {trim(place, 100)}, expected {host.origin + path}")
    if post.status not in (*PERMANENT, 400, 403, 404, 405, 426):
        problems.append(f"POST over plain HTTP: {post.fault or f'HTTP {post.status}'}")
    return outcome(answer, problems, f"HTTP {answer.status} to https", excerpt(answer, 120))


async def health_public(host: EndpointSession) -> Outcome:
    """Check /health from outside, without a key, as load balancers ask for it."""
    answer = await host.client.send("GET", "/health", key=None)
    problem = http_problem(answer)
    return outcome(answer, [problem] if problem else [], "HTTP 200 without a key")


async def model_list(host: EndpointSession) -> Outcome:
    aliases = [alias for model in host.models for alias in model.aliases]
    return judge_list(await host.listing(), [*host.names, *aliases])


async def model_unknown(host: EndpointSession) -> Outcome:
    """Check that an unknown model name is an error, not another model's answer."""
    body = chat.request_body(f"no-such-{nonce()}", "Say one word.", 1)
    answer = await host.client.send("POST", "/v1/chat/completions", body)
    problems = [] if answer.status == 404 else [http_problem(answer, 404) or "no answer"]
    if not problems and dig(answer.json(), "error", "message") is None:
        problems.append("HTTP 404 without a JSON error")
    return outcome(answer, problems, f"HTTP 404 {trim(dig(answer.json(), 'error', 'code'), 40)}")


def judge_hsts(value: str, declared: int) -> str:
    """Return what is wrong with a Strict-Transport-Security header, "" when nothing is."""
    if not value:
        return "no Strict-Transport-Security"
    match = re.search(r'max-age\s*=\s*"?(\d+)', value, re.IGNORECASE)
    if match is None:
        return f"Strict-Transport-Security without max-age: {trim(value, 60)}"
    given = int(match.group(1))
    return "" if given >= declared else f"max-age is {given}, {declared} is declared"


async def hsts(host: EndpointSession) -> Outcome:
    """Check Strict-Transport-Security on a good answer and on a refusal."""
    answers = [await host.listing(), (await host.unkeyed())[MAIN]]
    wrong = [
        judge_hsts(answer.headers.get("strict-transport-security", ""), host.declared.hsts_seconds)
        for answer in answers
    ]
    given = trim(answers[0].headers.get("strict-transport-security", ""), 60)
    return outcome(answers[0], [one for one in wrong if one][:1], given, f"sent: {given or 'none'}")


async def server_tokens(host: EndpointSession) -> Outcome:
    """Check that neither the Server header nor an nginx error page shows a version."""
    answers = [await host.listing(), (await host.unkeyed())[MAIN]]
    given = answers[0].headers.get("server", "") or "no Server header"
    problems = [
        f"Server: {trim(server, 60)}"
        for answer in answers
        if _VERSION.search(server := answer.headers.get("server", ""))
    ]
    pages = [answer.text for answer in answers if answer.media_type == "text/html"]
    if any(re.search(r"<center>[^<]+/\d", page) for page in pages):
        problems.append("an error page shows the server's version")
    return outcome(answers[0], problems[:1], trim(given, 60), trim(given, 60))
