"""Try to pass the gateway with requests that nginx and the engine may read differently.

Every trick is sent byte for byte, without a key, with a body that an engine would answer.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field

from ...client.answer import Answer
from ..judges.http_answer import SEE_OTHERS, excerpt, outcome
from ..results import Outcome
from .auth import NOT_THERE, REDIRECTS, REFUSED, got
from .endpoint_session import EndpointSession
from .without_key import LIMITED, MAIN, prompt_body

#: A server may reject such a request as malformed: that is a refusal too.
_ILL_FORMED = (400, 414)
#: Text that only an engine's answer holds.
_GENERATED = ('"choices"', '"generated_text"')


@dataclass(frozen=True)
class Trick:
    """One way to write a request. ``by_header``: the path is open, so only the body counts."""

    name: str
    path: str
    method: str = "POST"
    headers: Mapping[str, str] = field(default_factory=dict)
    by_header: bool = False


TRICKS = (
    Trick("a doubled slash", "//v1/chat/completions"),
    Trick("a dot segment", "/v1/./chat/completions"),
    Trick("a way out of an open path", "/health/../v1/chat/completions"),
    Trick("an encoded letter", "/%761/chat/completions"),
    Trick("an encoded slash", "/v1%2fchat/completions"),
    Trick("a slash at the end", "/v1/chat/completions/"),
    Trick("upper case", "/V1/CHAT/COMPLETIONS"),
    Trick(
        "X-Original-URL and X-Rewrite-URL", "/health",
        headers={"X-Original-URL": MAIN, "X-Rewrite-URL": MAIN}, by_header=True,
    ),
    Trick("HEAD", MAIN, "HEAD"),
    Trick("OPTIONS", MAIN, "OPTIONS"),
)  # fmt: skip


def judge_trick(trick: Trick, answer: Answer) -> str:
    """Return what is wrong with the answer to a trick; empty when it was refused."""
    if not answer.status:
        # A connection closed without an answer is a refusal as well
        return "" if "closed" in answer.fault else answer.fault or "no answer"
    # Search the text: a chunked body is not JSON in its raw form
    if any(word in answer.text for word in _GENERATED):
        return "the engine answered"
    if trick.by_header and answer.status not in REDIRECTS:
        return ""
    if trick.method == "OPTIONS" and answer.status in (200, 204) and not answer.body:
        # A browser's preflight request, which gateways answer themselves
        return ""
    allowed = REFUSED + NOT_THERE + _ILL_FORMED + (LIMITED,)
    return "" if answer.status in allowed else got(answer)


async def auth_bypass(host: EndpointSession) -> Outcome:
    """Check that no spelling of a request passes the gateway without a key."""
    main = (await host.unkeyed())[MAIN]
    if main.status == 200:
        problem = "the main path is open without a key, so no trick is needed"
        return outcome(main, [problem], "", "", SEE_OTHERS)
    if not main.status:
        return outcome(main, [main.fault or "no answer"], "", "", SEE_OTHERS)
    body = prompt_body(host.names[0])
    answers = await asyncio.gather(
        *(
            host.raw(one.method, one.path, body if one.method == "POST" else None, one.headers)
            for one in TRICKS
        )
    )
    problems = [
        f"{trick.name} ({trick.method} {trick.path}): {wrong}"
        for trick, answer in zip(TRICKS, answers)
        if (wrong := judge_trick(trick, answer))
    ]
    first = next((a for t, a in zip(TRICKS, answers) if judge_trick(t, a)), answers[0])
    return outcome(first, problems, f"{len(TRICKS)} tricks refused", excerpt(first))
