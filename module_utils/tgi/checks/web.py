"""The gateway's manners: redirects, the list of models, unknown models, private paths."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from ..answer import Answer
from . import chat
from .canary import nonce
from .host import Host
from .identity import judge_list
from .judge import dig, http_problem, look, outcome
from .report import Outcome, trim

PERMANENT = (301, 308)
METRICS_PATHS = ("/metrics", "/stub_status", "/nginx_status")
DOCS_PATHS = ("/docs", "/openapi.json", "/api-doc/openapi.json")
#: 429: a strict limit on failed attempts keeps out as well.
PRIVATE = (401, 403, 404, 429)


async def http_redirect(host: Host) -> Outcome:
    """H6: plain HTTP sends on to https at the same place, and never answers itself."""
    path = f"/v1/models?probe={nonce()}"
    if host.plain is None:
        return Outcome("no plain port to ask", "no plain port to ask")
    body = chat.request_body("tgi", "Say one word.", 1)
    answer, post = await asyncio.gather(
        host.plain.send("GET", path, key=None),
        host.plain.send("POST", "/v1/chat/completions", body, key=None),
    )
    problems, place = [], answer.headers.get("location", "")
    if answer.status not in PERMANENT:
        problems.append(f"GET: {http_problem(answer, 308)}, a permanent redirect expected")
    elif place != host.origin + path:
        problems.append(f"redirects to {trim(place, 100)}, {host.origin + path} expected")
    if post.status not in (*PERMANENT, 400, 403, 404, 405, 426):
        problems.append(f"POST over plain HTTP: {post.fault or f'HTTP {post.status}'}")
    return outcome(answer, problems, f"HTTP {answer.status} to https", look(answer, 120))


async def health_public(host: Host) -> Outcome:
    """A3 from outside, without a key, as load balancers and clients ask it."""
    answer = await host.client.send("GET", "/health", key=None)
    problem = http_problem(answer)
    return outcome(answer, [problem] if problem else [], "HTTP 200 without a key")


async def model_list(host: Host) -> Outcome:
    aliases = [alias for model in host.models for alias in model.aliases]
    return judge_list(await host.listing(), [*host.names, *aliases])


async def model_unknown(host: Host) -> Outcome:
    """B3: a name that is not there is an error, not another model's answer."""
    body = chat.request_body(f"no-such-{nonce()}", "Say one word.", 1)
    answer = await host.client.send("POST", "/v1/chat/completions", body)
    problems = [] if answer.status == 404 else [http_problem(answer, 404) or "no answer"]
    if not problems and dig(answer.json(), "error", "message") is None:
        problems.append("HTTP 404 without a JSON error")
    return outcome(answer, problems, f"HTTP 404 {trim(dig(answer.json(), 'error', 'code'), 40)}")


async def _private(host: Host, paths: Sequence[str]) -> Outcome:
    """L3, L4: refused or not there, without a key."""
    answers: list[Answer] = await asyncio.gather(
        *(host.client.send("GET", path, key=None) for path in paths)
    )
    problems = [
        f"{path} from outside: {answer.fault or f'HTTP {answer.status}'}"
        for path, answer in zip(paths, answers)
        if answer.status not in PRIVATE
    ]
    return outcome(answers[0], problems, f"{len(paths)} paths closed")


async def metrics_private(host: Host) -> Outcome:
    paths = [f"/models/{name}/metrics" for name in host.names]
    return await _private(host, [*METRICS_PATHS, *paths])


async def docs_private(host: Host) -> Outcome:
    return await _private(host, DOCS_PATHS)
