"""Check how large a request may be, and how long an answer may take."""

from __future__ import annotations

import asyncio
import json
import time
from dataclasses import replace

from ...client.answer import Answer
from ...client.http_client import Client
from ...client.http_problem import http_problem
from ..judges import chat
from ..judges.http_answer import SEE_OTHERS, outcome
from ..judges.questions import nonce
from ..model.edge_vs_direct import figures_of
from ..results import Outcome
from ..session import Session
from .endpoint_session import EndpointSession

#: Bytes; a larger body is not sent.
MOST_SENT = 20_000_000
#: Seconds for a server to refuse a request by its head.
HOLD = 2.0
#: Seconds; common proxies time out after 60.
LONG = 65.0
_LIMITS = "Set gateway_max_body_size and the engine's payload_limit to the same number of bytes"


def invalid_body(model: str, size: int) -> bytes:
    """Return valid JSON of ``size`` bytes that every engine refuses before it generates."""
    start = json.dumps({"model": model, "request": nonce(), "messages": "no list"}).encode()
    return start + b" " * (size - len(start))


async def _send(host: EndpointSession, body: bytes, length: int, hold: float) -> Answer:
    headers = {"Authorization": f"Bearer {host.client.target.api_key}"}
    headers.update({"Content-Type": "application/json", "Content-Length": str(length)})
    if hold:
        headers["Expect"] = "100-continue"
    async with host.client.pacer:
        return await host.raw("POST", "/v1/chat/completions", body, headers, hold)


async def body_size(host: EndpointSession) -> Outcome:
    """Check that the declared size reaches the engine and that one byte more does not.

    The larger body is announced but not sent: the server decides by the head.
    """
    limit, model = host.declared.max_body_size, host.names[0]
    over = await _send(host, invalid_body(model, min(limit + 1, MOST_SENT)), limit + 1, HOLD)
    if limit > MOST_SENT:
        return judge_size(limit, over, None)
    return judge_size(limit, over, await _send(host, invalid_body(model, limit), limit, 0.0))


def judge_size(limit: int, over: Answer, under: Answer | None) -> Outcome:
    """Judge the answers to one byte above the limit (``over``) and to the limit (``under``)."""
    problems, remedy = [], ""
    if over.status in (401, 403, 429) or (under and under.status in (401, 403, 429)):
        problem = http_problem(over, 413) or http_problem(under or over, 422)
        return Outcome(problem, problem, "the size was not checked", SEE_OTHERS, soft=True)
    if over.status == 100 or (under and over.status == under.status != 413):
        problems.append(f"{limit + 1} bytes are accepted, {limit} are declared")
        remedy = "nginx enforces another limit than gateway_max_body_size: run the gateway role"
    elif over.status != 413:
        problems.append(f"{limit + 1} bytes: {http_problem(over, 413)}, HTTP 413 expected")
    if under is not None:
        if under.status == 413:
            problems.append(f"{limit} bytes are refused with 413, {limit} are declared")
            remedy = remedy or _LIMITS
        elif under.status in (0, 408, 502, 503, 504):
            problems.append(f"{limit} bytes: {http_problem(under)}")
    passed = f", {limit} pass (HTTP {under.status})" if under else ""
    return outcome(over, problems, f"413 above {limit} bytes{passed}", "", remedy)


async def body_open(host: EndpointSession) -> Outcome:
    """Check that a request with a body is refused where none is needed and anybody may ask."""
    paths = ["/health", f"/models/{host.names[0]}/health"]
    paths += ["/info"] if host.declared.public_info else []
    answers = await asyncio.gather(
        *(host.client.send("GET", path, {}, key=None, paced=False) for path in paths)
    )
    problems = [
        f"GET {path} with a body: {answer.fault or f'HTTP {answer.status}'}"
        for path, answer in zip(paths, answers)
        if not 400 <= answer.status < 500
    ]
    return outcome(answers[0], problems, f"{len(paths)} routes refuse a body")


async def long_generation(session: Session) -> Outcome:
    """Check that an answer without streaming outlasts the usual time-outs of proxies."""
    stream = await session.chat_stream()
    pace = figures_of(stream).get("tpot_ms")
    if http_problem(stream) or not pace:
        problem = "the model's speed is unknown, so no length can be chosen"
        return Outcome(problem, problem, "", SEE_OTHERS, soft=True)
    # A quarter more: whole answers are faster than streams
    tokens = int(1.25 * LONG * 1000 / pace) + 1
    most = (session.model.max_total_tokens or tokens + 100) - 100
    if most < tokens:
        problem = f"{most} tokens take {most * pace / 1000:.0f} s, too short to reach a time-out"
        return Outcome(problem, problem, soft=True)
    body = chat.request_body(session.served, f"Request {nonce()}. {_COUNT}", tokens)
    target = replace(session.client.target, timeout=max(session.client.target.timeout, 4 * LONG))
    started = time.monotonic()
    async with Client(
        target, pacer=session.client.pacer, transport=session.client.transport
    ) as patient:
        answer = await patient.send("POST", "/v1/chat/completions", body)
    return judge_long(answer, time.monotonic() - started)


_COUNT = "Count from 1 to 100000 in words, one number a line, and never stop."


def judge_long(answer: Answer, seconds: float) -> Outcome:
    """Judge a long answer. A 504, or a closed connection, is a time-out on the way."""
    if problem := http_problem(answer):
        seen, limited = f"after {seconds:.0f} s: {problem}", answer.status == 429
        return Outcome(seen, seen, "", SEE_OTHERS if limited else "", answer.ms, soft=limited)
    if seconds < LONG * 0.95:
        problem = f"the answer ended by itself after {seconds:.0f} s, before any time-out"
        return Outcome(problem, problem, ms=answer.ms, soft=True)
    return Outcome("", f"whole after {seconds:.0f} s", ms=answer.ms)
