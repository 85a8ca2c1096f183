"""Compute what TGI's warm-up leaves for the KV cache.

server/text_generation_server/models/flash_causal_lm.py, warmup(), of TGI 3.3.7: it allocates
the cache of a batch of max_batch_prefill_tokens, runs its prefill, and then shares out what is
free beyond 1 - CUDA_MEMORY_FRACTION * TGI_WIGGLE_ROOM of the GPU, in blocks. Weights and cache
are known to the byte. Two things are estimated: what CUDA and NCCL take in addition, and the
activations of that prefill. So there are three assumptions, and only what fails by the most
favourable one is called impossible.
"""

from __future__ import annotations

import math
from fractions import Fraction
from typing import NamedTuple

from .prefill import MIB, WIGGLE_ROOM, Prefill, choose_prefill
from .weights import size_per_gpu
from .workload import PADDED, PADDING, Case, block_size, shard_choices

#: The server's share of the memory at warm-up (models/globals.py)
SERVER_ROOM = 0.90
_MOST = 2**31 - 1


class Assumption(NamedTuple):
    """``overhead`` in bytes; shares of the card's memory, of activations and guessed weights.

    CUDA sees 98.5 to 99 % of the memory that nvidia-smi prints (PyTorch's messages in TGI's
    issues 563 and 1374: 22.20 GiB of an A10G's 22.49, 39.39 of an A100's 40).
    """

    overhead: int
    memory: Fraction
    activations: float
    estimated_weights: float


#: A bare context and no activations; the middle; and the upper end of everything
FAVOURABLE = Assumption(400 * MIB, Fraction(1), 0.0, 0.95)
EXPECTED = Assumption(600 * MIB, Fraction("0.9875"), 1.0, 1.0)
UNFAVOURABLE = Assumption(1230 * MIB, Fraction("0.985"), 1.25, 1.05)


class Fit(NamedTuple):
    """Bytes are those of one GPU; ``phase`` is where TGI would fail, empty if it would not.

    Phases: shard (the heads cannot be divided), load (the weights), warmup (its batch does
    not fit), context (max_total_tokens is more than the cache holds).
    """

    phase: str
    prefill: Prefill
    memory_bytes: int
    weights_bytes: int
    weights_exact: bool
    overhead_bytes: int
    activation_bytes: int
    kv_bytes_per_token: int
    warmup_tokens: int
    #: Tokens within the server's share; the cache keeps the warm-up's even if that is more
    room_tokens: int
    kv_tokens: int
    max_input_tokens: int
    max_total_tokens: int


def fit(case: Case, assumption: Assumption = EXPECTED) -> Fit | None:
    """Return the fit, or None where dimensions, weights or the card's memory are not known.

    The favourable assumption counts weights of unknown size as 0 bytes, so that it still finds
    a cache that is too large by itself. The others return None.
    """
    dims, options, card = case.dims, case.options, case.card
    layers, kv_heads, head_dim = dims.num_hidden_layers, dims.num_key_value_heads, dims.head_dim
    size = size_per_gpu(dims, options.quantize, options.num_shard, case.file_bytes)
    if not layers or not kv_heads or not head_dim or not card.memory_mib:
        return None
    if dims.model_type in PADDED or options.attention == PADDING:
        return None
    if size.bytes is None and assumption is not FAVOURABLE:
        return None
    memory = math.floor(card.memory_mib * MIB * assumption.memory)
    weights = math.ceil((size.bytes or 0) * (1 if size.exact else assumption.estimated_weights))
    prefill = prefill_of(case)
    active = math.ceil(_activations(case, prefill.tokens) * assumption.activations)
    # One key and value head is not divided: max(kv_heads // num_shard, 1)
    heads = max(kv_heads // options.num_shard, 1)
    token = 2 * layers * heads * head_dim * (1 if options.kv_cache_dtype else 2)
    tokens_per_block = block_size(case)
    warmup_blocks = _warmup_blocks(case, prefill.tokens, tokens_per_block)
    used = weights + assumption.overhead + active
    allowed = math.floor(memory * Fraction(str(options.cuda_memory_fraction)))
    room = Fraction(str(options.wiggle_room or SERVER_ROOM))
    warmup_bytes = warmup_blocks * tokens_per_block * token
    block = tokens_per_block * token
    rest = math.floor(allowed * room) - used
    cache = (max(0, rest - warmup_bytes) // block + warmup_blocks) * tokens_per_block
    # The tokenizer's model_max_length, which config.json does not have, may be lower
    positions = dims.max_position_embeddings or cache
    total = options.max_total_tokens or min(cache, positions)
    phase = ""
    if options.num_shard not in shard_choices(dims, options.quantize, options.num_shard):
        phase = "shard"
    elif weights + assumption.overhead > allowed:
        phase = "load"
    elif used + warmup_bytes > allowed:
        phase = "warmup"
    elif total > cache:
        phase = "context"
    return Fit(
        phase,
        prefill,
        memory,
        weights,
        size.exact,
        assumption.overhead,
        active,
        token,
        warmup_blocks * tokens_per_block,
        max(0, rest) // block * tokens_per_block,
        0 if phase in ("shard", "load", "warmup") else cache,
        options.max_input_tokens or max(total - 1, 0),
        total,
    )


def verdict(case: Case) -> str:
    """Return yes, tight (an estimate decides), no (by the most favourable one), or unknown."""
    best, expected, worst = (fit(case, one) for one in (FAVOURABLE, EXPECTED, UNFAVOURABLE))
    if best is not None and best.phase:
        return "no"
    if expected is None or worst is None:
        return "unknown"
    return "tight" if expected.phase or worst.phase else "yes"


def prefill_of(case: Case) -> Prefill:
    """Return max_batch_prefill_tokens: what is set, or what the launcher will choose."""
    options = case.options
    if options.max_batch_prefill_tokens:
        return Prefill(options.max_batch_prefill_tokens, "set", False)
    return choose_prefill(
        case.config,
        case.card.name,
        case.card.memory_mib,
        options.num_shard,
        options.cuda_memory_fraction,
        options.wiggle_room or WIGGLE_ROOM,
    )


def _activations(case: Case, tokens: int) -> int:
    """Estimate the bytes that a prefill of so many tokens takes on one GPU besides its cache.

    1.5 * intermediate_size * 2 bytes * 3 a token, as in the launcher, but only for the experts
    that a token passes through.
    """
    dims, options = case.dims, case.options
    # The usual width where it is unknown; plan_messages warns of that
    width = dims.intermediate_size or 4 * (dims.hidden_size or 0)
    experts = min(dims.num_experts_per_tok, dims.num_experts)
    found = tokens * math.ceil(9 * width * experts / options.num_shard)
    if options.enable_prefill_logprobs:
        # The logits of every token instead of the last one's, and their logarithms
        found += tokens * (dims.vocab_size or 0) * 4
    return found


def _warmup_blocks(case: Case, prefill: int, tokens_per_block: int) -> int:
    """Return the blocks of the warm-up's batch (backends/v3/src/client/grpc_client.rs).

    It consists of as many prompts of max_input_tokens as fill the prefill, each with room for
    max_total_tokens, so that a short prompt and a long answer take the cache many times over.
    """
    options = case.options
    prompt = min(options.max_input_tokens or prefill, prefill)
    prompts = -(-prefill // prompt) if prompt else 0
    if options.max_total_tokens:
        each = max(options.max_total_tokens, prompt) - 1 + options.speculate
        return min(prompts * -(-max(each, 1) // tokens_per_block), _MOST)
    last = prefill - (prompts - 1) * prompt if prompts else 0
    blocks = (prompts - 1) * -(-(prompt + options.speculate) // tokens_per_block) if prompts else 0
    return min(blocks + -(-(last + options.speculate) // tokens_per_block), _MOST)
