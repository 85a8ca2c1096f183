"""The checks every generation passes, in TGI's order and words (router/src/validation.rs)."""

from __future__ import annotations

import random

from ..faults.faults import Faults
from ..source.text import BEGIN, IGNORED, Ask, Constraint, InputToken, TextSource
from ..start.args import Args
from ..start.limits import Limits
from .errors import InferError, invalid
from .grammar import check_grammar
from .wire import Body

DEFAULT_LENGTH = 1024
"""Slice in which TGI generates when max_new_tokens is missing or larger; only it is checked."""


def check_numbers(p: Body, args: Args) -> None:
    """Everything that can be said without the tokenizer; raises InferError."""
    sampling = p["do_sample"] or any(
        p[key] is not None for key in ("temperature", "top_k", "top_p", "typical_p")
    )
    best_of = 1 if p["best_of"] is None else p["best_of"]
    if best_of > 1 and not sampling:
        raise invalid("you must use sampling when `best_of` is > 1")
    if p["temperature"] is not None and p["temperature"] <= 0:
        raise invalid("`temperature` must be strictly positive")
    if p["repetition_penalty"] is not None and p["repetition_penalty"] <= 0:
        raise invalid("`repetition_penalty` must be strictly positive")
    if not -2.0 <= (p["frequency_penalty"] or 0.0) <= 2.0:
        raise invalid("`frequency_penalty` must be >= -2.0 and <= 2.0")
    for key in ("top_p", "typical_p"):
        if p[key] is not None and not 0.0 < p[key] < 1.0:
            raise invalid(f"`{key}` must be > 0.0 and < 1.0")
    if p["top_k"] is not None and p["top_k"] <= 0:
        raise invalid("`top_k` must be strictly positive")
    if p["max_new_tokens"] == 0:
        raise invalid("`max_new_tokens` must be strictly positive")
    stops = args.count("max_stop_sequences")
    if len(p["stop"]) > stops:
        raise invalid(f"`stop` supports up to {stops} stop sequences. Given: {len(p['stop'])}")
    if best_of > 1 and p["seed"] is not None:
        raise invalid("`seed` must not be set when `best_of` > 1")
    top_n = args.count("max_top_n_tokens")
    if (p["top_n_tokens"] or 0) > top_n:
        raise invalid(f"`top_n_tokens` must be >= 0 and <= {top_n}. Given: {p['top_n_tokens']}")


def check_best_of(best_of: int, args: Args) -> None:
    most = args.count("max_best_of")
    if best_of < 1 or (most == 1 and best_of != 1):
        raise invalid("`best_of` != 1 is not allowed for this endpoint")
    if best_of > most:
        raise invalid(f"`best_of` must be > 0 and <= {most}. Given: {best_of}")


def _constraint(grammar: Body | None, args: Args, faults: Faults) -> Constraint | None:
    try:
        return check_grammar(grammar, args)
    except InferError:
        if faults.get("bad-schema-ok") is None or args.on("disable_grammar_support"):
            raise
        return IGNORED


async def tokenize(source: TextSource, inputs: str, special: bool) -> list[InputToken]:
    """All tokens of an input; special, with the one at the beginning."""
    return [BEGIN] * special + await source.tokenize(inputs)


async def check_request(
    inputs: str, p: Body, args: Args, limits: Limits, source: TextSource, faults: Faults
) -> tuple[Ask, list[InputToken]]:
    """All checks; returns what to generate and the input's tokens."""
    check_numbers(p, args)
    if not inputs:
        raise invalid("`inputs` cannot be empty")
    truncate = p["truncate"]
    if truncate is not None and not 0 < truncate <= limits.max_input:
        raise invalid(
            f"`truncate` must be strictly positive and less than {limits.max_input}."
            f" Given: {truncate}"
        )
    tokens = await tokenize(source, inputs, p.get("add_special_tokens", True))
    if truncate is not None and len(tokens) > truncate:
        tokens = tokens[-truncate:]
        inputs = inputs[tokens[0].start :]
    shown = tokens
    if faults.get("no-context-limit") is not None:
        inputs, tokens, p = _squeezed(inputs, tokens, p, limits)
    length = len(tokens)
    room = max(0, limits.max_total - length)
    wanted = room if p["max_new_tokens"] is None else p["max_new_tokens"]
    counted = min(wanted, DEFAULT_LENGTH)
    if length + counted > limits.max_total:
        raise invalid(
            f"`inputs` tokens + `max_new_tokens` must be <= {limits.max_total}. Given: {length}"
            f" `inputs` tokens and {counted} `max_new_tokens`"
        )
    if length > limits.max_input:
        raise invalid(f"`inputs` must have less than {limits.max_input} tokens. Given: {length}")
    sampling = p["do_sample"] or any(
        p[key] is not None for key in ("temperature", "top_k", "top_p", "typical_p")
    )
    ask = Ask(
        prompt=inputs,
        max_new_tokens=max(1, min(wanted, room)),
        temperature=(p["temperature"] or 1.0) if sampling else None,
        top_k=p["top_k"],
        top_p=p["top_p"],
        repetition_penalty=p["repetition_penalty"],
        frequency_penalty=p["frequency_penalty"],
        seed=random.getrandbits(64) if p["seed"] is None else p["seed"],
        top_n=p["top_n_tokens"] or 0,
        constraint=_constraint(p["grammar"], args, faults),
    )
    return ask, shown


def _squeezed(
    inputs: str, tokens: list[InputToken], p: Body, limits: Limits
) -> tuple[str, list[InputToken], Body]:
    """Cut what is too long without an error: keep the prompt's end, in half of the context."""
    if len(tokens) > limits.max_input:
        tokens = tokens[-max(1, limits.max_total // 2) :]
        inputs = inputs[tokens[0].start :]
    wanted = p["max_new_tokens"]
    if wanted is not None:
        p = {**p, "max_new_tokens": max(1, min(wanted, limits.max_total - len(tokens)))}
    return inputs, tokens, p
