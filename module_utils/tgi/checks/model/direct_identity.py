"""Check the identity on a model's own port: the engine, listed names, accepted names."""

from __future__ import annotations

import asyncio
from dataclasses import replace

from ...client.answer import Answer
from ...client.http_problem import dig, http_problem
from ...common.text import trim
from ...engines.detect import Detected, recognise
from ...engines.profiles import Engine
from ..judges import chat
from ..judges.http_answer import outcome
from ..judges.identity import judge_list
from ..judges.questions import nonce
from ..results import MAJOR, Outcome
from ..selection import CheckSpec
from ..session import Session

_ANSWERED = (
    "A misspelt name gets the answers of another model: compare what model.list shows with what "
    "clients ask for, and look for a router's default model or another engine than declared"
)


def judge_engine(found: Detected, declared: str, answer: Answer) -> Outcome:
    """Check that the detected engine is the declared one. ``answer``: /v1/models, as evidence."""
    if not answer.status:
        return outcome(answer, [http_problem(answer)], "")
    if found.engine == declared:
        return outcome(answer, [], f"{found.engine}: {found.because or 'no further sign'}")
    if declared == "openai":
        # Only OpenAI's API was declared, and the other checks judge it
        return outcome(answer, [], f"{found.engine} ({found.because}): declare it to check more")
    if found.engine == "openai":
        problem = f"no sign of {declared} in its answers"
        if broken := http_problem(answer):
            problem += f" (/v1/models: {broken})"
        return outcome(answer, [problem], "")
    return outcome(
        answer,
        [f"{found.engine} answers, not {declared}: {found.because}"],
        "",
        remedy=f"Another service holds this port (docker ps, ss -ltnp), or declare engine: "
        f"{found.engine} for this model",
    )


async def engine_detected(session: Session) -> Outcome:
    info, (metrics, _), models = await asyncio.gather(
        session.info(), session.first_reading(), session.models()
    )
    return judge_engine(recognise(info, metrics, models), session.model.engine, models)


async def model_list(session: Session) -> Outcome:
    """Check /v1/models on the engine's own port: unique ids, and the model behind its name.

    ``ctx.declared`` checks the limit in the list.
    """
    wanted = session.model.model_id
    root = wanted if session.model.engine == "vllm" else ""
    return judge_list(await session.models(), [wanted], root)


def judge_unknown(answer: Answer, profile: Engine) -> Outcome:
    """Check for 400 or 404, or for 200 from an engine that is known to ignore names."""
    if answer.status in (400, 404) and not answer.fault:
        said = trim(dig(answer.json(), "error", "code") or "", 40)
        return outcome(answer, [], f"HTTP {answer.status} {said}".strip())
    if answer.status == 200 and 200 in profile.unknown_model:
        good = "this engine ignores the name: model.info and model.list prove the identity"
        return outcome(answer, [http_problem(answer)] if answer.fault else [], good)
    wanted = " or ".join(str(status) for status in profile.unknown_model)
    problem = f"{http_problem(answer, 404)}, HTTP {wanted} expected"
    if answer.status == 200:
        problem = f"it answers for a model that it does not have: {problem}"
        # What an unknown engine does with names is not known
        return replace(outcome(answer, [problem], "", "", _ANSWERED), soft=profile.name == "openai")
    return outcome(answer, [problem], "")


async def model_unknown(session: Session) -> Outcome:
    body = chat.request_body(f"no-such-{nonce()}", "Say one word.", 1)
    return judge_unknown(await session.post("/v1/chat/completions", body), session.profile)


FIRST = (
    CheckSpec(
        "engine.detected",
        "identity",
        "the declared engine answers",
        "See which process holds the port (docker ps, ss -ltnp), compare the model's engine with "
        "the deployed one, and run the tgi role again",
        engine_detected,
        stage=0,
        generates=False,
    ),
)
SPECS = (
    CheckSpec(
        "model.list",
        "identity",
        "/v1/models lists the declared model, and each id once",
        "An old container still holds the port, or the deployed file differs from tgi_models: "
        "run the tgi role again, then compare docker ps and ss -ltnp",
        model_list,
        generates=False,
    ),
)
# It generates, so it comes after the checks of generation
LAST = (
    CheckSpec(
        "model.unknown",
        "identity",
        "the engine refuses an unknown model, or ignores the name if it always does",
        "The engine fails on an unknown name: read its log",
        model_unknown,
        severity=MAJOR,
        needs=("chat",),
    ),
)
