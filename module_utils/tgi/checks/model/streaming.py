"""Check that events reach the client one by one, as the engine sends them."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from ...client.answer import Answer
from ...client.http_problem import http_problem
from ...client.stalled import stalled
from ...common.text import trim
from ..judges import chat, native
from ..judges.bursts import MIN_CHUNKS, MIN_GAP, burst_ratio
from ..judges.http_answer import SEE_OTHERS, outcome
from ..results import Outcome
from ..session import Session
from .edge_vs_direct import figures_of

#: Average events in one piece; above this, a client that reads one event at a time loses text.
MOST_EVENTS = 1.5
#: Milliseconds a token. Of a faster engine, it cannot be told whether tokens come one by one.
FAST = 2 * MIN_GAP * 1000
#: Streams that must all come in bursts before the check fails.
MOST_ATTEMPTS = 4
#: Further ones, for those that came while this process stood still for a quarter of their time.
MOST_STALLED = 8
STALLED = 0.25
_PAUSE = 0.2
UNCOMPRESSED = {"Accept-Encoding": "identity"}
GZIP_REMEDY = (
    "Compression delays the stream: set gzip off for the API, or remove text/event-stream from "
    "gzip_types, in every proxy"
)


def compressed(answer: Answer) -> bool:
    return answer.headers.get("content-encoding", "identity").lower() not in ("", "identity")


async def stream_unbuffered(session: Session) -> Outcome:
    """Check that events arrive one by one. Ask again before calling the stream buffered.

    ``stream.gzip`` checks the effect of compression.
    """
    answer = await session.chat_stream()
    if compressed(answer):
        answer = await session.memo.once("plain_stream", lambda: session.ask_stream(UNCOMPRESSED))
    found = judge_bursts(answer, session.model.figures)
    # A stream without text shows no speed, and a second one would not either
    if not _buffered(found) or http_problem(answer) or not figures_of(answer):
        return found
    if session.model.profile.abilities & {"native"}:
        pace = native.token_ms(await session.generate())
        if pace is not None and pace < FAST:
            return _too_fast(pace, found.observed, answer)
    # A proxy buffers every stream; a controller without a free core reads some of them in bursts
    attempts, standing = 1, 0
    while _buffered(found) and attempts < MOST_ATTEMPTS and standing < MOST_STALLED:
        again, share = await stalled(session.ask_stream(UNCOMPRESSED))
        found = judge_bursts(again, session.model.figures)
        if share < STALLED:
            attempts += 1
            continue
        standing += 1
        await asyncio.sleep(_PAUSE)
    if _buffered(found) and standing == MOST_STALLED:
        problem = f"this machine is too busy to tell: it read {MOST_STALLED} streams late"
        remedy = "Run the checks again when the machine that runs Ansible has a free core"
        found = replace(found, problem=problem, observed=problem, remedy=remedy, soft=True)
    return replace(found, attempts=attempts + standing)


def _buffered(found: Outcome) -> bool:
    return bool(found.problem) and not found.soft


def judge_bursts(answer: Answer, direct: Mapping[str, Any] | None = None) -> Outcome:
    """Judge the arrival times of a stream's events. ``direct``: figures of the direct view."""
    times = chat.read_stream(answer).times
    if problem := http_problem(answer):
        return outcome(answer, [f"no complete stream to check: {problem}"], "", "", SEE_OTHERS)
    if len(times) < MIN_CHUNKS:
        problem = f"only {len(times)} chunks came, the check needs {MIN_CHUNKS}"
        return Outcome(problem, problem, ms=answer.ms, soft=bool(times))
    ratio, together = burst_ratio(times), figures_of(answer)["events_per_read"]
    seen = f"{round(ratio * len(times))} bursts for {len(times)} chunks"
    seen += f", first after {times[0] * 1000:.0f} ms of {answer.ms}"
    if ratio < 0.5:
        problem = f"buffered: {seen}"
    elif together > MOST_EVENTS:
        problem = f"merged: {together:g} events come in one piece, {seen}"
    else:
        return Outcome("", f"{seen}, {together:g} events a read", ms=answer.ms)
    if answer.ms / len(times) < FAST:
        return _too_fast(answer.ms / len(times), seen, answer)
    blame = _blame(direct or {})
    remedy = "The engine itself sends bursts: check its streaming options" if blame else ""
    return Outcome(problem, problem, blame, remedy, answer.ms)


def _too_fast(pace: float, seen: str, answer: Answer) -> Outcome:
    problem = f"the engine takes {pace:.1f} ms a token, too fast to detect buffering"
    return Outcome(problem, problem, seen, ms=answer.ms, soft=True)


def _blame(direct: Mapping[str, Any]) -> str:
    """Return evidence that the engine itself sends bursts; empty when it does not, or unknown."""
    chunks, bursts = direct.get("chunks") or 0, direct.get("bursts") or 0
    merged = (direct.get("events_per_read") or 0) > MOST_EVENTS
    if chunks >= MIN_CHUNKS and (bursts < 0.5 * chunks or merged):
        return f"in the direct view {bursts} bursts for {chunks} chunks, so the engine is the cause"
    return ""


async def stream_gzip(session: Session) -> Outcome:
    """Check that a client which accepts gzip still gets its events one by one."""
    answer = await session.chat_stream()
    if problem := http_problem(answer):
        return Outcome(problem, problem, "", SEE_OTHERS, soft=True)
    if not compressed(answer):
        return Outcome("", "not compressed, though gzip is accepted", ms=answer.ms)
    found = judge_bursts(answer)
    if _buffered(found):
        found = replace(judge_bursts(await session.ask_stream()), attempts=2)
    how = f"{trim(answer.headers.get('content-encoding'), 20)}, {found.observed}"
    return replace(found, problem=how if found.problem else "", observed=how)


def judge_header(answer: Answer, direct: Mapping[str, Any] | None = None) -> Outcome:
    """Check the headers of a stream, and note where the engine itself asks for no buffering."""
    if problem := http_problem(answer):
        return Outcome(problem, problem, "", SEE_OTHERS, soft=True)
    problems = []
    if answer.headers.get("content-length"):
        problems.append("a Content-Length: a proxy held the whole stream back to count it")
    control = answer.headers.get("cache-control", "").lower()
    if answer.headers.get("age") or "public" in control or "s-maxage" in control:
        problems.append(f"a cache may store it: {trim(control, 40) or 'it has an Age'}")
    seen = "no length, no caching"
    if direct and direct.get("unbuffered_by_engine"):
        seen += "; this engine sends X-Accel-Buffering: no, another one may not"
    return outcome(answer, problems, seen)


async def stream_header(session: Session) -> Outcome:
    return judge_header(await session.chat_stream(), session.model.figures)
