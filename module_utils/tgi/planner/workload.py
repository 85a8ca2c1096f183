"""One model on its GPUs, with the launcher options that decide about memory."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

from ..common.problem import number, whole
from .gpu_table import Card
from .model_config import Dimensions

# models/__init__.py keeps their KV cache in padded batches, which the warm-up does not measure
PADDED = ("bloom", "mpt", "opt", "t5", "galactica", "mamba", "idefics")
# Their one key and value head is copied to every GPU
_COPIES_ONE_HEAD = ("falcon", "gpt_bigcode", "RefinedWeb", "RefinedWebModel")
_MOST_SHARDS = 64
#: Kind of attention where USE_FLASH_ATTENTION is false
PADDING = "padding"


class MemoryOptions(NamedTuple):
    """The launcher options that decide about memory; None is left to TGI."""

    num_shard: int = 1
    quantize: str | None = None
    kv_cache_dtype: str | None = None
    max_input_tokens: int | None = None
    max_total_tokens: int | None = None
    max_batch_prefill_tokens: int | None = None
    cuda_memory_fraction: float = 1.0
    speculate: int = 0
    enable_prefill_logprobs: bool = False
    #: From the environment; None leaves the launcher's 0.95 and the server's 0.90
    wiggle_room: float | None = None
    attention: str = ""


class Case(NamedTuple):
    """``config`` is config.json; the launcher and the server read different parts of it."""

    config: Mapping[str, Any]
    dims: Dimensions
    file_bytes: int | None
    options: MemoryOptions
    #: The card that nvidia-smi lists first, with the least memory of those in use
    card: Card


def memory_options(model: Mapping[str, Any]) -> MemoryOptions:
    """Return the options of an entry of models.resolve; values of a wrong type count as unset."""
    options = model.get("options") or {}
    environment = model.get("environment") or {}
    room = number(environment.get("TGI_WIGGLE_ROOM"))
    flash = str(environment.get("USE_FLASH_ATTENTION") or "true").lower() != "false"
    fraction = number(options.get("cuda_memory_fraction"))
    return MemoryOptions(
        num_shard=min(max(whole(model.get("num_shard")) or 1, 1), _MOST_SHARDS),
        quantize=str(options["quantize"]) if options.get("quantize") else None,
        kv_cache_dtype=str(options["kv_cache_dtype"]) if options.get("kv_cache_dtype") else None,
        max_input_tokens=_tokens(options.get("max_input_tokens")),
        max_total_tokens=_tokens(options.get("max_total_tokens")),
        max_batch_prefill_tokens=_tokens(options.get("max_batch_prefill_tokens")),
        cuda_memory_fraction=fraction if fraction is not None and 0 < fraction <= 1 else 1.0,
        speculate=_tokens(options.get("speculate")) or 0,
        enable_prefill_logprobs=options.get("enable_prefill_logprobs") is True,
        wiggle_room=room if room is not None and 0 < room < 1 else None,
        attention=str(environment.get("ATTENTION") or "") if flash else PADDING,
    )


def _tokens(value: Any) -> int | None:
    tokens = whole(value)
    return tokens if tokens is not None and 0 < tokens < 2**31 else None


def attention_of(case: Case) -> str:
    """Return the kind of attention as the launcher's resolve_attention chooses it."""
    if case.options.attention:
        return case.options.attention
    # An unknown card counts as one that TGI's image is built for
    old = case.card.compute_cap is not None and case.card.compute_cap < 8
    fallback = "paged" if old else "flashdecoding"
    fits = case.dims.head_dim in (64, 128, 256)
    return (
        fallback if not fits or case.dims.model_type in ("falcon", "deepseek_v2") else "flashinfer"
    )


def block_size(case: Case) -> int:
    """Return the tokens in a block of the KV cache (models/globals.py)."""
    return {"flashinfer": 1, "flashdecoding": 256}.get(attention_of(case), 16)


def shard_choices(dims: Dimensions, quantize: str | None = None, most: int = 16) -> list[int]:
    """Return the numbers of GPUs that the heads can be divided by."""
    heads, kv_heads = dims.num_attention_heads, dims.num_key_value_heads
    stored = dims.checkpoint.method if dims.checkpoint else None
    if not heads or not kv_heads or "exl2" in (quantize, stored):
        return [1]
    one = kv_heads == 1 and dims.model_type in _COPIES_ONE_HEAD
    return [
        count
        for count in range(1, most + 1)
        if heads % count == 0 and (kv_heads % count == 0 or one)
    ]
