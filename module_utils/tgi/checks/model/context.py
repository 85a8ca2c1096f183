"""Check the context limit: served as declared, enforced above it, and reachable."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass

from ...client.answer import Answer
from ...client.http_problem import dig, http_problem
from ..judges.http_answer import excerpt, outcome
from ..judges.questions import nonce
from ..results import MAJOR, Outcome
from ..selection import CheckSpec, Model
from ..session import Session
from . import overload

#: TGI refuses bodies of 2,000,000 bytes (payload_limit) before it counts a token.
MAX_BODY = 1_900_000
#: Above any number of tokens; beyond it a float is not exact.
_ABSURD = 2**53
#: Most bytes of a request besides its prompt.
_BESIDE = 1000
#: At least one token in every tokenizer, in two bytes.
WORD = " a"
#: Words above the limit, in case a template or a first token takes some.
MARGIN = 64
SAMPLE_WORDS = 64
NEAR = 0.95
#: Tokens for an answer that did not end in fewer.
ROOM = 512


@dataclass(frozen=True)
class ContextLimits:
    """The engine's limits in tokens: of a prompt, and of prompt and answer; None: unknown."""

    prompt: int | None = None
    total: int | None = None
    trained: int | None = None

    @property
    def numbers(self) -> list[int]:
        return [one for one in (self.prompt, self.total, self.trained) if one]


def _number(value: object) -> int | None:
    return value if type(value) is int and 0 < value < _ABSURD else None


def parse_limits(info: Answer, models: Answer, name: str = "") -> ContextLimits:
    """Read TGI's /info, else /v1/models: max_model_len (vLLM, SGLang), meta (llama.cpp).

    ``name``: the entry in a list of several models; empty takes the first one.
    """
    said = None if http_problem(info) else info.json()
    prompt, total = _number(dig(said, "max_input_tokens")), _number(dig(said, "max_total_tokens"))
    if prompt or total:
        return ContextLimits(prompt, total)
    data = None if http_problem(models) else dig(models.json(), "data")
    entries = data if isinstance(data, list) else []
    entry = next((one for one in entries if not name or dig(one, "id") == name), None)
    total = _number(dig(entry, "max_model_len")) or _number(dig(entry, "meta", "n_ctx"))
    return ContextLimits(None, total, _number(dig(entry, "meta", "n_ctx_train")))


async def read_limits(session: Session) -> ContextLimits:
    if session.prefix:
        # Through a gateway one source is enough, and its list has the other models as well
        if "info" in session.profile.abilities:
            return parse_limits(await session.info(), Answer())
        return parse_limits(Answer(), await session.models(), session.served)
    return parse_limits(*await asyncio.gather(session.info(), session.models()))


def longest(found: ContextLimits, model: Model) -> int:
    """Return the largest limit that the engine or the inventory names; 0 without any."""
    declared = (model.max_input_tokens, model.max_total_tokens)
    return max([*found.numbers, *(one for one in declared if one)], default=0)


def prompt_of(words: int) -> str:
    return f"Request {nonce()}." + WORD * words


def _soft(problem: str) -> Outcome:
    return Outcome(problem, problem, soft=True)


def judge_over(answer: Answer, statuses: Sequence[int], limits: Sequence[int]) -> Outcome:
    """Check that the engine refuses the prompt and names the limit."""
    if answer.status in statuses and not answer.fault:
        seen = excerpt(answer, 120)
        if any(str(limit) in answer.text for limit in limits):
            return outcome(answer, [], seen)
        problem = f"refused without naming the limit: HTTP {answer.status}"
        return Outcome(problem, problem, seen, ms=answer.ms, soft=True)
    if answer.status == 413:
        problem = "the body was refused for its size before its tokens were counted"
        remedy = (
            "The payload limit is below the context limit: raise payload_limit and "
            "gateway_max_body_size"
        )
        return Outcome(problem, problem, excerpt(answer, 120), remedy, answer.ms, soft=True)
    wanted = " or ".join(str(status) for status in statuses)
    problem = http_problem(answer) or "HTTP 200: the context limit is not enforced"
    return outcome(answer, [f"{problem}, HTTP {wanted} expected"], "")


async def ctx_over(session: Session) -> Outcome:
    """Send a prompt over the limit. It costs at most one token, where the limit is not enforced."""
    found = await read_limits(session)
    limit = longest(found, session.model)
    if not limit:
        return _soft("neither the engine nor the inventory names a context limit")
    room = min(MAX_BODY, (session.max_body or MAX_BODY + _BESIDE) - _BESIDE)
    # Check before building the prompt: an engine may name any number
    if len(prompt_of(0)) + len(WORD) * (limit + MARGIN) > room:
        return _soft(f"a prompt of {limit + MARGIN} tokens does not fit into {room} bytes")
    answer = await session.plain(prompt_of(limit + MARGIN), 1)
    return judge_over(answer, session.profile.too_long, [*found.numbers, limit])


def judge_declared(found: ContextLimits, model: Model) -> Outcome:
    """Compare the served limits with the declared ones."""
    problems, said = [], []
    for name, declared, served in (
        ("max_input_tokens", model.max_input_tokens, found.prompt),
        ("max_total_tokens", model.max_total_tokens, found.total),
    ):
        if served is not None:
            said.append(f"{name} {served}")
        if declared is not None and served is not None and served != declared:
            problems.append(f"{name} is {served}, {declared} is declared")
    if not said:
        return _soft("the engine names no context limit")
    if problems:
        return Outcome(problems[0], problems[0], "; ".join(problems[1:]))
    return Outcome("", ", ".join(said))


async def ctx_declared(session: Session) -> Outcome:
    return judge_declared(await read_limits(session), session.model)


async def ctx_near(session: Session) -> Outcome:
    """Check that a prompt of 95 % of the limit and 8 more tokens fit into memory."""
    found = await read_limits(session)
    limit = found.prompt or found.total
    if not limit:
        return _soft("the engine names no context limit")
    # First ask how many tokens a word is here
    short = await session.plain(prompt_of(SAMPLE_WORDS), 1)
    tokens = prompt_tokens(short)
    if problem := http_problem(short) or ("" if tokens else "usage is missing"):
        return outcome(short, [problem], "")
    ratio = max(1.0, tokens / SAMPLE_WORDS)
    words = int((min(NEAR * limit, (found.total or limit) - 8) - MARGIN) / ratio)
    if words <= SAMPLE_WORDS:
        return _soft(f"a limit of {limit} tokens is too short for this check")
    if len(WORD) * words > MAX_BODY:
        return _soft(f"{words} words do not fit into {MAX_BODY} bytes")
    answer = await session.plain(prompt_of(words), 8)
    good = f"{prompt_tokens(answer)} of {limit} tokens, answered"
    problem = http_problem(answer)
    return outcome(answer, [problem] if problem else [], good)


def prompt_tokens(answer: Answer) -> int:
    """Return the prompt's tokens from usage or TGI's header; 0 if unknown."""
    counted = dig(answer.json(), "usage", "prompt_tokens")
    header = answer.headers.get("x-prompt-tokens", "")
    return _number(counted) or (int(header) if header.isdigit() else 0)


async def find_room(session: Session, answer: Answer, asked: int) -> int:
    """Return how many tokens to allow when ``asked`` ran out: ROOM, or less in a small context.

    Where the answer does not count its prompt, half of the context is left for it.
    """
    total = (await read_limits(session)).total or session.model.max_total_tokens
    if not total:
        return max(ROOM, asked)
    return max(asked, min(ROOM, total - (prompt_tokens(answer) or total // 2)))


SPECS: tuple[CheckSpec, ...] = (
    CheckSpec(
        "ctx.declared",
        "limits",
        "the engine serves the declared limits",
        "The deployed file differs from tgi_models: run the tgi role again (the engine chooses a "
        "limit that is not declared)",
        ctx_declared,
        severity=MAJOR,
        needs=("limit",),
        generates=False,
    ),
    CheckSpec(
        "ctx.over",
        "limits",
        "a prompt over the limit is refused, with the limit in the message",
        "The engine cuts a long prompt or fails on it: set max_input_tokens and max_total_tokens",
        ctx_over,
        severity=MAJOR,
        needs=("context",),
    ),
    CheckSpec(
        "ctx.near",
        "limits",
        "a prompt of 95 % of the limit gets an answer",
        "The GPU lacks memory for the declared limit: lower max_total_tokens or "
        "max_batch_prefill_tokens, quantise, or use a larger GPU",
        ctx_near,
        severity=MAJOR,
        needs=("limit",),
        opt_in=True,
    ),
    *overload.SPECS,
)
