"""Token limits as TGI finds them at warm-up, and the router's checks of them."""

from __future__ import annotations

from dataclasses import dataclass

from .args import Args

KV_BLOCKS = 131_072
"""Capacity the simulated GPU claims, in tokens (flashinfer: one token per block)."""


@dataclass(frozen=True)
class Limits:
    """All in tokens; `problem` is the router's complaint, empty when the limits fit."""

    max_input: int
    max_total: int
    batch_prefill: int
    batch_total: int
    problem: str = ""


def find_limits(args: Args, model_context: int) -> Limits:
    """Return the router's limits; `model_context` is the text source's longest context."""
    total = args.number("max_total_tokens")
    wanted = args.number("max_input_tokens")
    if wanted is None:
        wanted = args.number("max_input_length")
    max_total = total if total is not None else min(KV_BLOCKS, model_context)
    max_input = wanted if wanted is not None else max_total - 1
    prefill = args.number("max_batch_prefill_tokens")
    batch_prefill = prefill if prefill is not None else min(4096, model_context)
    problem = ""
    if args.number("max_batch_size") == 0:
        problem = 'ArgumentValidation("`max_batch_size` must be > 0")'
    elif max_total > KV_BLOCKS:
        problem = f"Backend(NotEnoughMemory({max_total}))"
    elif max_input >= max_total:
        problem = 'ArgumentValidation("`max_input_tokens` must be < `max_total_tokens`")'
    elif batch_prefill > KV_BLOCKS:
        problem = (
            'ArgumentValidation("`max_batch_prefill_tokens` must be <= `max_batch_total_tokens`.'
            f' Given: {batch_prefill} and {KV_BLOCKS}")'
        )
    return Limits(max_input, max_total, batch_prefill, KV_BLOCKS, problem)
