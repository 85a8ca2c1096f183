"""Check the rate limit with a burst of cheap requests, after all other checks."""

from __future__ import annotations

import asyncio
import math
import time
from dataclasses import dataclass, replace

from ...client.answer import Answer, retry_after
from ...client.http_problem import dig
from ...common.text import trim
from ..judges.http_answer import SEE_OTHERS
from ..results import Outcome
from .endpoint_session import EndpointSession, Tier

MOST_REQUESTS = 2000
MOST_SECONDS = 5.0
STRICTER = "stricter than the tier"
_SLOWER = (
    "The limit is neither proven nor broken: give checks_consumer a tier of its own in "
    "gateway_tiers, with a lower rate and burst, and run the gateway role"
)


@dataclass(frozen=True)
class Burst:
    """The result of one burst. ``credit``: requests that were surely allowed at its start."""

    answers: list[Answer]
    seconds: float
    credit: float

    def count(self, *states: int) -> int:
        return sum(answer.status in states for answer in self.answers)


def burst_size(tier: Tier) -> int:
    """Return more requests than this tier lets pass within a second."""
    return min(MOST_REQUESTS, math.ceil(tier.burst + 2 * tier.rate + 5))


async def send_burst(host: EndpointSession) -> Burst:
    """Send ``burst_size`` requests as fast as the declared concurrency allows."""
    pacer, answers = host.client.pacer, list[Answer]()
    credit, started, size = pacer.available(), time.perf_counter(), burst_size(host.tier)

    async def work() -> None:
        while len(answers) < size and time.perf_counter() - started < MOST_SECONDS:
            answer = Answer()
            answers.append(answer)
            got = await host.client.send("GET", "/v1/models", paced=False)
            answer.__dict__.update(got.__dict__)

    await asyncio.gather(*(work() for _ in range(pacer.width)))
    burst = Burst(answers, time.perf_counter() - started, credit)
    pacer.spend(burst.count(200))
    return burst


def judge_burst(burst: Burst, tier: Tier) -> Outcome:
    """Check for JSON 429s with Retry-After, for as many admissions as declared, and for no 503."""
    sent, admitted, limited = len(burst.answers), burst.count(200), burst.count(429)
    ceiling = tier.burst + 2 + math.ceil(tier.rate * burst.seconds)
    seen = f"{admitted} of {sent} admitted in {burst.seconds:.2f} s, {limited} refused with 429"
    declared = f"declared: {tier.rate:g}/s, burst {tier.burst}"
    problems, remedy, unproven = [], "", False
    if unavailable := burst.count(503):
        problems.append(f"{unavailable} refused with 503 instead of 429")
        remedy = "nginx: limit_req_status 429 and limit_conn_status 429; run the gateway role"
    if broken := [answer for answer in burst.answers if answer.status not in (200, 429, 503)]:
        what = broken[0].fault or f"HTTP {broken[0].status}"
        problems.append(f"{len(broken)} of {sent} requests got {what}")
    if not limited and not unavailable:
        if sent <= ceiling:
            unproven = not problems
            problems.append(f"could not send fast enough to reach the limit: {seen}")
            remedy = _SLOWER if unproven else ""
        else:
            problems.append(f"no 429 after {sent} requests in {burst.seconds:.2f} s")
    elif admitted > ceiling:
        problems.append(f"more than the tier allows: {seen}, at most {ceiling} expected")
    elif admitted < math.floor(burst.credit / 2):
        problems.append(f"{STRICTER}: {seen}, at least {burst.credit / 2:.0f} expected")
    problems += _refusal_problems([a for a in burst.answers if a.status == 429])
    ms = round(burst.seconds * 1000)
    if not problems:
        return Outcome("", seen, declared, ms=ms)
    evidence = trim("; ".join([*problems[1:], seen, declared]), 400)
    return Outcome(problems[0], problems[0], evidence, remedy, ms, soft=unproven)


def _never_met(burst: Burst) -> Outcome | None:
    """Return a warning when no request was refused: then the limit was not reached."""
    if burst.count(429, 503):
        return None
    problem = f"none of {len(burst.answers)} requests was refused, so no limit was reached"
    return Outcome(problem, problem, "", SEE_OTHERS, soft=True)


def _refusal_problems(refusals: list[Answer]) -> list[str]:
    problems = []
    if any(not answer.headers.get("retry-after", "").isdigit() for answer in refusals):
        problems.append("a 429 has no Retry-After in seconds")
    if any(dig(answer.json(), "error") is None for answer in refusals):
        problems.append("a 429 has no JSON error body")
    return problems


async def rate_enforced(host: EndpointSession) -> Outcome:
    """Check that the declared rate limit is enforced.

    An earlier run may have used up the allowance. So the check calls a limit too strict only
    after a pause that must have filled it again.
    """
    burst = await host.memo.once("burst", lambda: send_burst(host))
    found = judge_burst(burst, host.tier)
    if not found.problem.startswith(STRICTER):
        return found
    await asyncio.sleep(min(10.0, host.tier.burst / host.tier.rate))
    return replace(judge_burst(await send_burst(host), host.tier), attempts=2)


async def rate_recovers(host: EndpointSession) -> Outcome:
    """Check that a request passes once the declared rate allows it again."""
    burst = await host.memo.once("burst", lambda: send_burst(host))
    if unmet := _never_met(burst):
        return unmet
    pause = min(30.0, max(0.2, 2 / host.tier.rate))
    refused = [answer for answer in burst.answers if answer.status == 429]
    if refused and retry_after(refused[0], 30.0) > 10 * max(1.0, pause):
        problem = f"Retry-After asks for {refused[0].headers.get('retry-after')} s"
        return Outcome(problem, problem)
    await asyncio.sleep(pause)
    answer = await host.client.send("GET", "/v1/models", paced=False)
    seen = f"{answer.fault or f'HTTP {answer.status}'} after a pause of {pause:.1f} s"
    return Outcome("" if answer.status == 200 else seen, seen, ms=answer.ms)


async def rate_scope(host: EndpointSession) -> Outcome:
    """Check that /health still answers while the consumer is over its limit.

    Load balancers ask for it. A limit there takes a healthy server out of service.
    """
    burst = await host.memo.once("burst", lambda: send_burst(host))
    if unmet := _never_met(burst):
        return unmet
    answer = await host.client.send("GET", "/health", key=None, paced=False)
    seen = answer.fault or f"HTTP {answer.status} right after the burst"
    return Outcome("" if answer.status == 200 else f"/health: {seen}", f"/health: {seen}")
