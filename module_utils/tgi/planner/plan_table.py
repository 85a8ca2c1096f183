"""Write the plan as plain text: a row for each model, then its messages."""

from __future__ import annotations

from collections.abc import Iterator

from .advice import sentence
from .plan import Plan

_HEAD = ("MODEL", "FITS", "GPUS", "WEIGHTS", "KV TOKENS", "MAX TOTAL", "PREFILL")


def make_table(plans: list[Plan]) -> str:
    """Return aligned columns; weights are GiB on each GPU, and estimates have a ~."""
    rows = [_HEAD, *(_row(plan) for plan in plans)]
    widths = [max(len(row[column]) for row in rows) for column in range(len(_HEAD))]
    lines = ["  ".join(_cells(row, widths)).rstrip() for row in rows]
    for plan in plans:
        lines += list(describe(plan))
    return "\n".join(lines)


def describe(plan: Plan) -> Iterator[str]:
    """Return the lines below the table for one model."""
    for line in plan.problems:
        yield f"problem: {line}"
    for line in plan.warnings:
        yield f"note: {line}"
    for advice in plan.advice:
        yield f"advice: {plan.where} {sentence(advice)}"


def _cells(row: tuple[str, ...], widths: list[int]) -> list[str]:
    # Words to the left, numbers to the right
    return [
        cell.ljust(width) if column < 3 else cell.rjust(width)
        for column, (cell, width) in enumerate(zip(row, widths))
    ]


def _row(plan: Plan) -> tuple[str, ...]:
    cards = _cards(plan)
    found = plan.fit
    if found is None:
        return (plan.name, plan.fits, cards, "-", "-", "-", "-")
    weights = f"{'' if found.weights_exact else '~'}{found.weights_bytes / 2**30:.1f} GiB"
    if found.phase in ("shard", "load", "warmup"):
        return (plan.name, plan.fits, cards, weights, "-", "-", str(found.prefill.tokens))
    total = str(found.max_total_tokens)
    prefill = str(found.prefill.tokens)
    return (plan.name, plan.fits, cards, weights, f"~{found.kv_tokens}", total, prefill)


def _cards(plan: Plan) -> str:
    names = [card.name for card in plan.cards]
    kinds = [f"{names.count(name)}x {name}" for name in dict.fromkeys(names)]
    return ", ".join(kinds) or "-"
