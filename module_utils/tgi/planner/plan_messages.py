"""Write a plan's messages, one line each: what is wrong, then the remedy."""

from __future__ import annotations

from collections.abc import Iterator

from ..common.problem import problem
from .advice import Advice, written
from .fit import FAVOURABLE, Fit, fit
from .gpu_table import Card, f16_flops
from .model_config import missing
from .quantization import refusal
from .weights import FAMILIES, size_per_gpu
from .workload import PADDED, PADDING, Case, attention_of, shard_choices

_GIB = 2**30


def unsuited(kind: str | None, where: str, card: Card) -> list[str]:
    """Return the problem of a quantisation that TGI refuses on the GPU."""
    refused = refusal(kind or "", card.compute_cap)
    if refused is None:
        return []
    what, remedy = refused
    has = f"{card.name} has {card.compute_cap:g}"
    return [problem(f"{where}.quantize", f"is {kind}, which {what}, and {has}", remedy)]


def problems(
    case: Case,
    where: str,
    verdict: str,
    advice: list[Advice],
    larger: list[Card],
    smallest: str = "",
) -> list[str]:
    """Return the reasons why the model cannot be served, each with a remedy.

    It would fit on the GPUs ``larger``; ``smallest`` names the GPU that is too small, where the
    model has different ones.
    """
    stored = case.dims.checkpoint.method if case.dims.checkpoint else None
    found = unsuited(case.options.quantize or stored, where, case.card)
    best = fit(case, FAVOURABLE)
    if verdict == "no" and best is not None and best.phase == "shard":
        choices = shard_choices(case.dims, case.options.quantize)
        remedy = f"write one of {', '.join(map(str, choices))}"
        found.append(problem(f"{where}.num_shard", _undivided(case), remedy))
    elif verdict == "no" and best is not None:
        sets = [written(one) for one in advice if one.set]
        if larger and not {card.name for card in larger} <= {case.card.name}:
            numbers = ", ".join(f'"{card.number}"' for card in larger)
            sets.insert(0, f"gpus: [{numbers}] ({larger[-1].name})")
        remedy = ", or ".join(sets[:2]) or "use a smaller model, or more or larger GPUs"
        what = _shortage(case, best, smallest)
        found.append(problem(where, what, f"write {remedy}" if sets else remedy))
    return found


def _undivided(case: Case) -> str:
    dims = case.dims
    heads = f"{dims.num_attention_heads} heads and {dims.num_key_value_heads} for keys and values"
    return f"is {case.options.num_shard}, which does not divide {heads}"


def _shortage(case: Case, best: Fit, smallest: str) -> str:
    """Return what is missing even by the most favourable estimate."""
    count, name = case.options.num_shard, case.card.name
    each = f"{'each ' if count > 1 else ''}{name}"
    if smallest:
        each = f"{smallest}, the smallest of its GPUs"
    has = f"{best.memory_bytes / _GIB:.1f} GiB of {each}"
    if best.phase == "load":
        return (
            f"has {best.weights_bytes / _GIB:.1f} GiB of weights on a GPU, too much for the {has}"
        )
    if best.phase == "warmup":
        tokens = best.warmup_tokens * best.kv_bytes_per_token / _GIB
        return (
            f"needs {best.weights_bytes / _GIB:.1f} GiB for weights and {tokens:.1f} GiB for the "
            f"warm-up's {best.warmup_tokens} tokens on a GPU, too much for the {has}"
        )
    requested = case.options.max_total_tokens
    return f"has room for at most {best.room_tokens} tokens, but max_total_tokens is {requested}"


def warnings(
    case: Case, where: str, cards: list[Card], found: Fit | None, verdict: str
) -> list[str]:
    """Return warnings: what is unknown, estimated or surprising."""
    return [
        f"{where} {line}"
        for line in (
            *_unknown(case, found),
            *_surprises(case, found, verdict),
            *_cards(case, cards),
        )
    ]


def _unknown(case: Case, found: Fit | None) -> Iterator[str]:
    dims = case.dims
    lacking = missing(dims)
    if dims.model_type in PADDED or case.options.attention == PADDING:
        yield f"is a {dims.model_type} model that TGI serves in padded batches; not planned"
    elif lacking:
        yield f"has no {', '.join(lacking)} in its config.json; not planned"
    elif found is None:
        size = size_per_gpu(dims, case.options.quantize, 1, case.file_bytes)
        if size.bytes is None:
            yield f"has weights of unknown size ({dims.model_type or 'no model_type'}); {_HOW}"
    elif not found.weights_exact:
        yield "has quantised weights, so their size is estimated"
    elif dims.model_type not in FAMILIES:
        yield f"is a {dims.model_type or 'model without model_type'}, planned by its files' size"
    if found is not None and dims.intermediate_size is None:
        yield "has no intermediate_size: the prefill is estimated by 4 * hidden_size"
    if dims.vision:
        yield "reads images; the plan does not count their activations"


_HOW = "write weights_bytes with its dimensions, or name a config.json in the folder of its weights"


def _surprises(case: Case, found: Fit | None, verdict: str) -> Iterator[str]:
    options = case.options
    if verdict == "tight":
        yield "fits only if CUDA and the prefill take no more than estimated; leave a reserve"
    if found is None:
        return
    prefill = found.prefill.tokens
    if (
        options.max_total_tokens
        and not options.max_input_tokens
        and prefill > options.max_total_tokens
    ):
        # grpc_client.rs: max_total_tokens - truncate, unsigned, with truncate = the prefill
        yield (
            f"has no max_input_tokens, and a prefill of {prefill} is longer than max_total_tokens: "
            "TGI's warm-up counts below zero; write max_input_tokens"
        )
    if found.prefill.short_of_memory and not found.phase:
        yield 'will start with "Not enough VRAM to run the model", which ignores quantize'
    positions = case.dims.max_position_embeddings
    if positions and options.max_total_tokens and options.max_total_tokens > positions:
        yield f"has max_total_tokens above the {positions} positions it was trained for"
    if options.kv_cache_dtype and attention_of(case) == "flashdecoding":
        yield f"cannot have kv_cache_dtype: its head_dim is {case.dims.head_dim}"


def _cards(case: Case, cards: list[Card]) -> Iterator[str]:
    given, used = len(cards), case.options.num_shard
    if given > used:
        yield f"has {given} GPUs and uses {used}; write num_shard: {given}"
    if len({(card.name, card.memory_mib) for card in cards}) > 1:
        yield "has GPUs of different kinds; the smallest one decides"
    if case.options.max_batch_prefill_tokens is None and f16_flops(case.card.name) is None:
        yield f"is on a GPU that TGI does not know ({case.card.name}), so it guesses its speed"
    capability = case.card.compute_cap
    if capability is not None and capability < 7.5:
        yield f"is on a GPU of compute capability {capability:g}, which TGI has no kernels for"
    elif capability is not None and capability >= 10:
        yield f"is on a GPU of compute capability {capability:g}, which TGI runs by PTX at best"
