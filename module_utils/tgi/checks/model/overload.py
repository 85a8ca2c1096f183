"""What comes above the declared number of requests at one time. Opt-in: it takes every place."""

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

#: What a client's pool of connections can have under way at one time.
MOST = 60
EXTRA = 4
TOKENS = 32


def judge_overload(answers: Sequence[Answer], places: int) -> Outcome:
    """Check that each request is answered, or refused with 429 by the engine itself."""
    served = [one for one in answers if one.status == 200 and not one.fault]
    refused = [one for one in answers if one.status == 429]
    broken = [one for one in answers if one not in served and one not in refused]
    if broken:
        problem = f"{len(broken)} of {len(answers)} at one time broke: {http_problem(broken[0])}"
        return outcome(broken[0], [problem], "")
    if not refused:
        problem = f"{len(answers)} at one time were all answered, {places} are declared"
        return Outcome(problem, problem, soft=True)
    theirs = [
        one
        for one in refused
        if "nginx" in one.headers.get("server", "") or dig(one.json(), "error_type") != "overloaded"
    ]
    if theirs:
        return outcome(theirs[0], ["the 429 is not the engine's but of something before it"], "")
    good = f"{len(served)} answered, {len(refused)} times 429 overloaded by the engine"
    return outcome(refused[0], [], good)


async def overload(session: Session) -> Outcome:
    places = dig((await session.info()).json(), "max_concurrent_requests")
    if type(places) is not int or not 0 < places <= MOST:
        problem = f"max_concurrent_requests is {places}, this check can fill up to {MOST}"
        return Outcome(problem, problem, soft=True)
    await session.first_look()
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
        "above max_concurrent_requests: 429 overloaded, by the engine",
        "Clients cannot tell overload from failure: look at what stands before the engine",
        overload,
        # Not beside stream.cancel, which would find no place
        stage=5,
        severity=MINOR,
        needs=("permits",),
        opt_in=True,
    ),
)
