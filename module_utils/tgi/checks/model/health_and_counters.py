"""Check the engine's health before and after, its counters, and its container."""

from __future__ import annotations

import asyncio
from dataclasses import replace

from ...client.answer import Answer
from ...client.http_problem import http_problem
from ..judges.http_answer import SEE_OTHERS, excerpt, outcome
from ..judges.metrics import absent, reset, shortfall
from ..model_container import restarted, unseen
from ..results import MAJOR, MINOR, Outcome
from ..selection import CheckSpec
from ..session import LONG_QUESTION, Session

#: Milliseconds after which /health is too late for a load balancer's probe.
PROMPT = 1000
#: Counters may lag behind an answer.
LOOKS, PAUSE = 5, 0.2


def judge_health(answer: Answer) -> Outcome:
    """Check for 200 within a second, and that it is an engine's answer. It proves no generation."""
    problem = http_problem(answer)
    if not problem and answer.body and answer.media_type != "application/json":
        problem = "another server than an engine answers here"
    if not problem and answer.ms >= PROMPT:
        late = f"HTTP 200, but only after {answer.ms} ms"
        remedy = (
            "Prefill delays it, or the GPU or CPU is overloaded: set health probes to 30 s, and "
            "lower max_batch_prefill_tokens"
        )
        return Outcome(late, late, "", remedy, answer.ms, answer.attempts, soft=True)
    return outcome(answer, [problem] if problem else [], "HTTP 200")


async def health_status(session: Session) -> Outcome:
    answer, _ = await asyncio.gather(
        session.client.send("GET", "/health", key=None), session.first_reading()
    )
    return judge_health(answer)


async def ping_root(session: Session) -> Outcome:
    """Check GET /, which is TGI's /health under another name."""
    return judge_health(await session.client.send("GET", "/", key=None))


async def health_after(session: Session) -> Outcome:
    """Check that the engine is healthy, in the same process and container as at the start."""
    first, container = await session.first_reading()
    found = judge_health(await session.client.send("GET", "/health", key=None))
    if found.problem and not found.soft:
        return found
    before = session.counters_of(first)
    for attempt in range(1, LOOKS + 1):
        metrics, now = await session.reading()
        again = restarted(container, now)
        if not again and before is not None:
            after = session.counters_of(metrics)
            # metrics.delta reports counters that are unreadable now
            again = "" if after is None else _reset(session, before, after)
        if not again:
            return _witnessed(session, found, unseen(session.project, container, now))
        if attempt < LOOKS:
            await asyncio.sleep(PAUSE)
    problem = f"the engine restarted during the checks: {again}"
    return Outcome(problem, problem, ms=found.ms, attempts=attempt)


def _witnessed(session: Session, found: Outcome, doubt: str) -> Outcome:
    """Return ``found``, or a warning when Docker could not show whether it restarted."""
    if not doubt or found.problem:
        return found
    remedy = (
        f"See which container answers (docker compose ls, docker ps; project {session.project}), "
        "and let the checks' user run the docker command"
    )
    return Outcome(doubt, doubt, remedy=remedy, ms=found.ms, soft=True)


def _reset(session: Session, before: dict[str, float], after: dict[str, float]) -> str:
    counted = len(session.witnessed)
    return reset(before, session.highest, after, counted, session.profile.counters)


def _unreadable(session: Session, answer: Answer) -> Outcome:
    """Return the outcome for missing metrics: a defect, or a switch that is off."""
    flag = session.profile.counters.flag
    if flag and answer.status in (404, 501):
        problem = "metrics are switched off"
        return Outcome(problem, problem, "", f"Start the engine with {flag}", answer.ms, soft=True)
    problem = http_problem(answer) or "/metrics is not Prometheus text"
    return outcome(answer, [problem], "")


async def metrics_format(session: Session) -> Outcome:
    """Check for Prometheus text, with all families after a generation (a fresh engine has none)."""
    answer, _ = await session.first_reading()
    if session.counters_of(answer) is None:
        return _unreadable(session, answer)
    if not session.witnessed:
        await session.generation()
    for attempt in range(1, LOOKS + 1):
        answer = await session.metrics()
        after = session.counters_of(answer)
        # Series appear with their first use: without a generation none can be missing
        missing = absent(after or {}, session.profile.counters) if session.witnessed else []
        if after is not None and not missing:
            return Outcome("", f"{len(after)} metrics", ms=answer.ms, attempts=attempt)
        if not after:
            # The engine may have restarted, which health.after reports: fill its families again
            await session.plain(LONG_QUESTION, 1)
        await asyncio.sleep(PAUSE)
    if after is None:
        return _unreadable(session, answer)
    problem = f"not in /metrics: {', '.join(missing)}"
    return Outcome(problem, problem, excerpt(answer, 200), ms=answer.ms, attempts=attempt)


async def metrics_delta(session: Session) -> Outcome:
    """Check that the engine's counters counted our requests."""
    if not session.witnessed:
        await session.generation()
    first, _ = await session.first_reading()
    before = session.counters_of(first)
    if before is None:
        return replace(_unreadable(session, first), remedy=SEE_OTHERS)
    requests, tokens = len(session.witnessed), sum(session.witnessed)
    if not requests:
        problem = "no generation succeeded, nothing to count"
        return Outcome(problem, problem, remedy=SEE_OTHERS)
    for attempt in range(1, LOOKS + 1):
        after = await session.read_counters()
        missing = (
            ["cannot read /metrics"]
            if after is None
            else shortfall(before, after, requests, tokens, session.profile.counters)
        )
        if not missing:
            return Outcome("", f"{requests} requests, {tokens} tokens counted", attempts=attempt)
        await asyncio.sleep(PAUSE)
    return Outcome(missing[0], missing[0], "; ".join(missing[1:]), attempts=attempt)


FIRST = (
    CheckSpec(
        "health.status",
        "health",
        "GET /health: 200 within a second",
        "The engine is down: check the container and the end of its log (docker compose ps, logs)",
        health_status,
        stage=0,
        severity=MAJOR,
        needs=("health",),
        generates=False,
    ),
    CheckSpec(
        "ping.root",
        "health",
        "GET /: the same as /health",
        "Another server on this port answers / instead of the engine: run docker ps, ss -ltnp",
        ping_root,
        stage=0,
        grounds=("health",),
        severity=MINOR,
        needs=("native",),
        generates=False,
    ),
)
SPECS = (
    CheckSpec(
        "metrics.format",
        "metrics",
        "Prometheus text with the engine's own families",
        "Another server than the engine answers on this port: run docker ps, ss -ltnp",
        metrics_format,
        stage=6,
        grounds=("engine", "process"),
        severity=MAJOR,
        needs=("counters",),
    ),
    CheckSpec(
        "metrics.delta",
        "metrics",
        "the engine's counters counted our requests",
        "Another instance than the measured one answers: look for two containers on one "
        "port (docker ps, ss -ltnp)",
        metrics_delta,
        stage=6,
        grounds=("engine", "process", "counters"),
        severity=MAJOR,
        needs=("counters",),
    ),
)
LAST = (
    CheckSpec(
        "health.after",
        "health",
        "healthy after all checks, without a restart",
        "The engine failed during the checks: find the request in its log (docker compose logs), "
        "and look in dmesg for the out-of-memory killer",
        health_after,
        stage=7,
        grounds=("health",),
        needs=("health",),
        generates=False,
    ),
)
