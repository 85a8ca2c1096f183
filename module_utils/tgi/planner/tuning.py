"""Choose launcher options for a profile, as far as the GPU allows them.

A profile is data over options that TGI 3.3.7 honours while it cuts prompts into chunks. A chunk
has at most max_batch_prefill_tokens, and no answer goes on while TGI computes it. So shorter
chunks keep answers flowing, and longer ones serve more prompts in the same time.
"""

from __future__ import annotations

from typing import Any, NamedTuple

from .fit import fit, prefill_of, verdict
from .workload import Case, attention_of

_SHORTEST = 1024
#: What a longer chunk may take of the KV cache
_KEPT = 0.9


class Tuning(NamedTuple):
    """``chunks`` are factors of the launcher's own chunk, the best first; the rest are options."""

    chunks: tuple[float, ...]
    options: dict[str, Any]


PROFILES: dict[str, Tuning] = {
    "latency": Tuning((0.5,), {"max_concurrent_requests": 32}),
    # What TGI chooses by itself
    "balanced": Tuning((), {}),
    "throughput": Tuning((2.0, 1.5), {"max_concurrent_requests": 512, "validation_workers": 4}),
}


def tuned_options(
    case: Case | None, profile: str, advised: int | None = None, chunks: bool = False
) -> dict[str, Any]:
    """Return options for what the user left open; an empty mapping leaves everything to TGI.

    ``case`` is None where GPU or dimensions are unknown; only options that need neither are then
    chosen. ``advised`` is the longest context that the catalogue advises. ``chunks`` says that TGI
    cuts the model's prompts into chunks.
    """
    tuning = PROFILES.get(profile, PROFILES["balanced"])
    found = dict(tuning.options)
    if case is None:
        return found
    plain = fit(case)
    if plain is None or plain.phase:
        return found
    if advised and not case.options.max_total_tokens and plain.max_total_tokens > advised:
        limited = _with(case, max_total_tokens=advised)
        if verdict(limited) == "yes":
            found["max_total_tokens"] = advised
            case = limited
    if chunks and attention_of(case) != "paged" and not case.options.max_batch_prefill_tokens:
        found.update(_chunk(case, tuning.chunks))
    return found


def _chunk(case: Case, factors: tuple[float, ...]) -> dict[str, int]:
    before = fit(case)
    for factor in factors if before else ():
        tokens = max(int(prefill_of(case).tokens * factor), _SHORTEST)
        changed = _with(case, max_batch_prefill_tokens=tokens)
        after = fit(changed)
        enough = after and before and after.kv_tokens >= _KEPT * before.kv_tokens
        if enough and verdict(changed) == "yes":
            return {"max_batch_prefill_tokens": tokens}
    return {}


def _with(case: Case, **options: Any) -> Case:
    return case._replace(options=case.options._replace(**options))
