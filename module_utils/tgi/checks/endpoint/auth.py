"""Send requests that the gateway must refuse, and check the refusals."""

from __future__ import annotations

import asyncio
import base64
import secrets
from collections.abc import Collection
from dataclasses import replace

from ...client.answer import Answer
from ...client.http_problem import http_problem
from ..judges.http_answer import excerpt, outcome
from ..results import Outcome
from .endpoint_session import EndpointSession
from .without_key import LIMITED, MAIN

REFUSED = (401, 403)
#: An unpublished path is as good as a refused one.
NOT_THERE = (404, 405)
#: The gateway sends no redirect over https. Engines do: FastAPI sends 307 for another slash.
REDIRECTS = (301, 302, 303, 307, 308)
_TOO_STRICT = (
    "The limit on failed attempts answers instead of the key check: wait and check again; if it "
    "persists, raise gateway_bad_auth"
)


def _open(answer: Answer, allowed: tuple[int, ...]) -> str:
    if not answer.status:
        return answer.fault or "no answer"
    return "" if answer.status in allowed else got(answer)


def got(answer: Answer) -> str:
    """Describe an answer that is not a refusal. A redirect shows that an engine answered."""
    past = ", which the gateway itself never sends" if answer.status in REDIRECTS else ""
    return f"HTTP {answer.status}{past}"


def _seen(what: str, answers: Collection[Answer]) -> str:
    limited = sum(answer.status == LIMITED for answer in answers)
    return f"{len(answers)} {what}" + (f", {limited} of them with 429" if limited else "")


async def auth_missing(host: EndpointSession) -> Outcome:
    """Check that no generation path answers without a key; the main path must return 401 or 403."""
    answers = await host.unkeyed()
    main = answers[MAIN]
    elsewhere = (*REFUSED, *NOT_THERE, LIMITED)
    wrong = {
        path: problem
        for path, answer in answers.items()
        if (problem := _open(answer, REFUSED if path == MAIN else elsewhere))
    }
    problems = [f"{path} without a key: {problem}" for path, problem in wrong.items()]
    shown = next((path for path in wrong if answers[path].status == 200), next(iter(wrong), MAIN))
    # Only the main one can have this problem, and then it is the only one
    remedy = _TOO_STRICT if main.status == LIMITED and len(problems) == 1 else ""
    good = _seen("paths refuse", answers.values())
    return outcome(main, problems, good, excerpt(answers[shown]) if problems else "", remedy)


async def auth_header(host: EndpointSession) -> Outcome:
    """Check that a 401 carries WWW-Authenticate."""
    answers = await host.unkeyed()
    main = answers[MAIN]
    given = main.headers.get("www-authenticate", "")
    wrong = f"HTTP {main.status} without WWW-Authenticate" if main.status else main.fault
    return outcome(main, [] if given else [wrong], given[:60])


def wrong_credentials(key: str) -> dict[str, tuple[str, str | None, dict[str, str]]]:
    """Return credentials that must not work: name to (path, bearer key, headers).

    Variants of the real key go into headers, which no log holds. The query gets a made-up key
    only: a real one would be written into every log on the way.
    """
    wrong: dict[str, tuple[str, str | None, dict[str, str]]] = {
        "a wrong key": (MAIN, secrets.token_hex(16), {}),
        "an empty Bearer": (MAIN, None, {"Authorization": "Bearer"}),
    }
    if not key:
        return wrong
    made_up = secrets.token_hex(len(key))[: len(key)]
    basic = base64.b64encode(f"checks:{key}".encode()).decode()
    wrong["the key without its last character"] = (MAIN, key[:-1], {})
    wrong["the key as Basic"] = (MAIN, None, {"Authorization": f"Basic {basic}"})
    wrong["a query with a made-up key"] = (f"{MAIN}?api_key={made_up}", None, {})
    if key.swapcase() != key:
        wrong["the key in another case"] = (MAIN, key.swapcase(), {})
    return wrong


def secrets_of(key: str) -> list[str]:
    """Return the key in every form in which it is sent, to mask them."""
    if not key:
        return []
    basic = base64.b64encode(f"checks:{key}".encode()).decode()
    return [key, key.swapcase(), key[:-1], basic]


async def auth_wrong(host: EndpointSession) -> Outcome:
    """Check that credentials close to the right key get 401 or 403."""
    # After the probes without a key, so that those find the limit on failures unused
    await host.unkeyed()
    wrong = wrong_credentials(host.client.target.api_key)
    answers = await asyncio.gather(
        *(host.probe(path, key, headers) for path, key, headers in wrong.values())
    )
    problems = [
        f"{name} gets {bad}"
        for name, answer in zip(wrong, answers)
        if (bad := _open(answer, (*REFUSED, LIMITED)))
    ]
    if all(answer.status == LIMITED for answer in answers):
        # All were refused, but perhaps by the limit and not by the key check
        found = outcome(answers[0], ["every answer is HTTP 429"], "", remedy=_TOO_STRICT)
        return replace(found, soft=True)
    accepted = next((one for one in answers if _open(one, (*REFUSED, LIMITED))), answers[0])
    return outcome(accepted, problems, _seen("wrong credentials refused", answers))


async def auth_valid(host: EndpointSession) -> Outcome:
    """Check that the right key works: refusing every request would prove nothing."""
    answer = await host.listing()
    problem = http_problem(answer)
    return outcome(answer, [problem] if problem else [], "HTTP 200")
