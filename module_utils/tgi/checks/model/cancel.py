"""Check that the engine stops a generation when its client disconnects."""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass

from ...client.answer import Answer
from ...client.http_problem import http_problem
from ...engines.profiles import Counters
from ..judges import dialect
from ..judges.http_answer import SEE_OTHERS, outcome
from ..judges.questions import nonce
from ..results import MAJOR, Outcome
from ..selection import CheckSpec
from ..session import Session
from .context import longest, read_limits

TOKENS = 512
TAKEN = 3
#: Most seconds for the engine to stop, and the least that a busy machine gets.
MOST, LEAST = 5.0, 2.0
PAUSE = 0.1


@dataclass(frozen=True)
class Watch:
    """Figures of /metrics: before, last, and the seconds since the client disconnected.

    ``let_go``: the gauge of running requests fell back to its first value.
    """

    before: dict[str, float]
    after: dict[str, float]
    seconds: float
    let_go: bool

    def moved(self, name: str) -> float:
        return self.after.get(name, 0.0) - self.before.get(name, 0.0)


def judge_cancel(watch: Watch, counters: Counters) -> Outcome:
    """Check that the gauge fell in time, and not because the request ran to its end.

    A gauge that stays up is no proof while others use the model. They show as more requests in
    the counters than our own, or as requests that were running before.
    """
    started = watch.moved(counters.requests[0]) if counters.requests else 0.0
    busy = started > 1 or watch.before.get(counters.running, 0.0) > 0
    took = f"{watch.seconds:.1f} s after the client disconnected"
    if not watch.let_go:
        problem = f"{counters.running} is still {watch.after.get(counters.running, 0.0):g} {took}"
        if busy:
            problem += ", but others use the model"
        return Outcome(problem, problem, ms=round(watch.seconds * 1000), soft=busy)
    ended = counters.finished and watch.moved(counters.finished) >= 1
    if ended and not busy and watch.seconds > 1.0:
        problem = f"the request ran to its end, {took}"
        return Outcome(problem, problem, ms=round(watch.seconds * 1000))
    seen = "the request ended before it was cancelled, " if ended and not busy else "stopped "
    return Outcome("", seen + took, ms=round(watch.seconds * 1000))


def patience(answer: Answer, tokens: int) -> float:
    """Return half the time of the remaining tokens, between LEAST and MOST seconds."""
    times = dialect.read_stream(answer).times
    pace = (times[-1] - times[0]) / (len(times) - 1) if len(times) > 1 else 0.0
    return min(MOST, max(LEAST, pace * (tokens - len(times)) / 2))


async def _at_rest(session: Session) -> dict[str, float] | None:
    """Return the counters once our own last requests no longer count as running."""
    await session.first_reading()
    for _ in range(3):
        found = await session.read_counters()
        if not (found or {}).get(session.profile.counters.running):
            break
        await asyncio.sleep(PAUSE)
    return found


async def stream_cancel(session: Session) -> Outcome:
    name = session.profile.counters.running
    before = await _at_rest(session)
    if before is None:
        problem = "cannot read /metrics"
        return Outcome(problem, problem, remedy=SEE_OTHERS)
    limit = longest(await read_limits(session), session.model)
    tokens = min(TOKENS, limit // 2 or TOKENS)
    prompt = f"Request {nonce()}. Tell me a very long story about the sea."
    path, body = dialect.request(session.model, session.served, prompt, tokens, stream=True)
    answer = await session.client.taste("POST", path, body, TAKEN)
    gone = time.monotonic()
    stream = dialect.read_stream(answer)
    if http_problem(answer) or not stream.times:
        problem = http_problem(answer) or stream.problem or "no token came"
        return outcome(answer, [f"nothing to cancel: {problem}"], "", "", SEE_OTHERS)
    seconds, after, let_go = patience(answer, tokens), None, False
    while not let_go and time.monotonic() - gone < seconds:
        await asyncio.sleep(PAUSE)
        if (now := await session.read_counters()) is not None:
            after = now
            let_go = after.get(name, 0.0) <= before.get(name, 0.0)
    if after is None:
        problem = "cannot read /metrics after the client disconnected"
        return Outcome(problem, problem, remedy=SEE_OTHERS)
    watch = Watch(before, after, time.monotonic() - gone, let_go)
    return judge_cancel(watch, session.profile.counters)


SPECS = (
    CheckSpec(
        "stream.cancel",
        "stream",
        "the engine stops when the client disconnects",
        "Abandoned requests keep using the GPU: compare the engine's version with the pinned one, "
        "and look for a proxy on its port that keeps connections open",
        stream_cancel,
        stage=4,
        severity=MAJOR,
        needs=("counters",),
        grounds=("counters",),
    ),
)
