"""Ask a model what the checks ask, and return their outcomes as plain data.

The checks own the questions, the judges and the remedies. Only those are asked that say whether
what answers is the deployed model and makes sense; ``NOT_ASKED`` names what is left to the checks.
"""

from __future__ import annotations

import asyncio
from typing import Any

from ...checks.catalogue_direct import DIRECT
from ...checks.selection import CheckSpec, lacking
from ...checks.session import Session
from ...common.text import mask, trim

#: The link that shows them, and ids of checks, causes before consequences
BY_LINK = {
    "identity": ("model.info",),
    "template": ("chat.template", "chat.system"),
    "text": (
        "chat.degenerate", "generate.degenerate", "chat.logprobs", "chat.canary", "chat.utf8",
        "completions.basic",
    ),
    "json": ("json.const",),
    "api": ("generate.reject", "json.invalid", "generate.stop"),
    "counters": ("metrics.delta",),
}  # fmt: skip
#: Asked first and alone: it generates nothing, and every other answer stands on it
FIRST = BY_LINK["identity"]
#: Asked last, when there is something to count
LAST = BY_LINK["counters"]
NOT_ASKED = (
    "access without a key, keys in answers, limits of context and rate, cancelled streams, pinned "
    "digests"
)
#: Requests to one model at a time
AT_A_TIME = 4


async def ask_checks(session: Session, ids: tuple[str, ...], seconds: float) -> dict[str, Any]:
    """Run the checks with these ids that apply to the model, each at most ``seconds``.

    Returns id -> ``problem``, ``seen``, ``remedy``, ``soft``, ``minor`` (of the check) and ``ms``;
    ``unknown`` says why a check has no outcome.
    """
    specs = [one for one in DIRECT if one.id in ids and not lacking(one, session.model)]
    found = await asyncio.gather(*(_run(one, session, seconds) for one in specs))
    return {spec.id: one for spec, one in zip(specs, found)}


async def ask_the_rest(session: Session, seconds: float) -> dict[str, Any]:
    """Ask all but FIRST; the ground of it, a good generation, is there."""
    ids = tuple(one for many in BY_LINK.values() for one in many if one not in (*FIRST, *LAST))
    found = await ask_checks(session, ids, seconds)
    return {**found, **await ask_checks(session, LAST, seconds)}


async def _run(spec: CheckSpec, session: Session, seconds: float) -> dict[str, Any]:
    try:
        outcome = await asyncio.wait_for(spec.run(session), seconds)
    except asyncio.TimeoutError:
        return {"problem": "", "unknown": f"no end within {seconds:g} s"}
    except Exception as error:  # a defect of one check must not hide what the others see
        return {"problem": "", "unknown": f"it broke: {type(error).__name__}: {trim(error, 80)}"}
    return {
        "problem": mask(outcome.problem),
        "seen": mask(outcome.observed),
        "remedy": (outcome.remedy or spec.remedy) if outcome.problem else "",
        "soft": outcome.soft,
        "minor": not spec.required,
        "ms": outcome.ms,
    }
