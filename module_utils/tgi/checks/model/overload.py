"""Send more requests at one time than declared. Opt-in, because it fills the engine."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from ...client.answer import Answer
from ...client.http_problem import dig, http_problem
from ..judges import dialect
from ..judges.http_answer import outcome
from ..judges.questions import nonce
from ..results import MINOR, Outcome
from ..selection import CheckSpec
from ..session import Session

#: Most requests that a client's connection pool can send at one time.
MOST = 60
EXTRA = 4
TOKENS = 32


def judge_overload(answers: Sequence[Answer], places: int) -> Outcome:
    """Check that each request is answered, or refused with 429 by the engine itself."""
    served = [one for one in answers if one.status == 200 and not one.fault]
    refused = [one for one in answers if one.status == 429]
    broken = [one for one in answers if one not in served and one not in refused]
    if broken:
        problem = f"{len(broken)} of {len(answers)} requests failed: {http_problem(broken[0])}"
        return outcome(broken[0], [problem], "")
    if not refused:
        problem = f"all {len(answers)} simultaneous requests were answered, {places} are declared"
        return Outcome(problem, problem, soft=True)
    theirs = [
        one
        for one in refused
        if "nginx" in one.headers.get("server", "") or dig(one.json(), "error_type") != "overloaded"
    ]
    if theirs:
        return outcome(theirs[0], ["a proxy sent the 429, not the engine"], "")
    good = f"{len(served)} answered, {len(refused)} refused by the engine with 429"
    return outcome(refused[0], [], good)


async def overload(session: Session) -> Outcome:
    places = dig((await session.info()).json(), "max_concurrent_requests")
    if type(places) is not int or not 0 < places <= MOST:
        problem = f"max_concurrent_requests is {places}, but this check can send {MOST} at most"
        return Outcome(problem, problem, soft=True)
    await session.first_reading()
    requests = [
        dialect.request(session.model, session.served, f"Request {nonce()}. A story.", TOKENS)
        for _ in range(places + EXTRA)
    ]
    answers = await asyncio.gather(
        *(session.client.send("POST", path, body, paced=False) for path, body in requests)
    )
    return judge_overload(answers, places)


SPECS = (
    CheckSpec(
        "overload",
        "limits",
        "429 overloaded from the engine above max_concurrent_requests",
        "Clients cannot tell overload from failure: look for a proxy in front of the engine",
        overload,
        # Not together with stream.cancel, which would be refused
        stage=5,
        severity=MINOR,
        needs=("permits",),
        opt_in=True,
    ),
)
