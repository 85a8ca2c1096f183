"""Turn the plan into plain values for the module tgi_plan."""

from __future__ import annotations

from typing import Any

from .advice import sentence
from .fit import Fit
from .gpu_table import Card
from .plan import Plan

_EMPTY = {
    "weights_gib": None,
    "weights_exact": None,
    "kv_bytes_per_token": None,
    "kv_tokens": None,
    "max_input_tokens": None,
    "max_total_tokens": None,
    "max_batch_prefill_tokens": None,
    "prefill_source": None,
}


def as_values(plan: Plan) -> dict[str, Any]:
    """Return one model's plan; numbers are None if they are unknown or the model does not fit."""
    return {
        "name": plan.name,
        "model_id": plan.model_id,
        "fits": plan.fits,
        "gpus": [_card(card) for card in plan.cards],
        "gpus_needed": plan.gpus_needed,
        "num_shard": plan.num_shard,
        "num_shard_choices": plan.num_shard_choices,
        **(_numbers(plan.fit) if plan.fit else _EMPTY),
        "problems": plan.problems,
        "warnings": plan.warnings,
        "advice": [
            {"set": advice.set, "text": f"{plan.where} {sentence(advice)}"}
            for advice in plan.advice
        ],
    }


def _card(card: Card) -> dict[str, Any]:
    return {"index": card.number, **{key: card._asdict()[key] for key in card._fields[1:]}}


def _numbers(found: Fit) -> dict[str, Any]:
    runs = not found.phase
    return {
        "weights_gib": round(found.weights_bytes / 2**30, 2),
        "weights_exact": found.weights_exact,
        "kv_bytes_per_token": found.kv_bytes_per_token,
        "kv_tokens": found.kv_tokens if found.phase in ("", "context") else None,
        "max_input_tokens": found.max_input_tokens if runs else None,
        "max_total_tokens": found.max_total_tokens if runs else None,
        "max_batch_prefill_tokens": found.prefill.tokens,
        "prefill_source": found.prefill.source,
    }
