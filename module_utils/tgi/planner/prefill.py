"""Compute max_batch_prefill_tokens as TGI's launcher does when it is not set.

Follows launcher/src/main.rs of TGI 3.3.7 (get_config, compute_optimal, vram_maximum, main) to
the letter, with its faults: it reads only some fields of config.json, ignores text_config,
knows cards by exact names, and computes in 32 bit floats.
"""

from __future__ import annotations

import struct
from collections.abc import Mapping
from typing import Any, NamedTuple

from ..engines.tgi.options import QUANTIZATIONS
from .gpu_table import f16_flops

MIB = 2**20
#: The launcher's share of the memory; Python's, at warm-up, is another (fit.py)
WIGGLE_ROOM = 0.95
_DEFAULT = 4096
_DEFAULTS = {"qwen2_vl": 10_000, "qwen2_5_vl": 10_000, "gemma3": 8_000}
_COUNTS = (
    "max_position_embeddings",
    "n_positions",
    "max_seq_len",
    "n_embd",
    "hidden_size",
    "intermediate_size",
    "num_attention_heads",
    "num_key_value_heads",
    "num_hidden_layers",
    "head_dim",
    "num_experts_per_tok",
    "n_shared_experts",
    "num_local_experts",
    "vocab_size",
)


class Prefill(NamedTuple):
    """The number of tokens, what it comes from, and whether the launcher warns of the memory.

    ``source`` is compute, default, max_position_embeddings or memory.
    """

    tokens: int
    source: str
    short_of_memory: bool


class _Config(NamedTuple):
    counts: dict[str, int | None]
    model_type: str | None
    head_dim: int | None
    quantized: bool
    vision: bool

    def get(self, name: str) -> int | None:
        return self.counts[name]


def choose_prefill(
    config: Mapping[str, Any],
    card: str,
    memory_mib: int | None,
    num_shard: int,
    memory_fraction: float = 1.0,
    wiggle_room: float = WIGGLE_ROOM,
) -> Prefill:
    """Return max_batch_prefill_tokens as the launcher would choose it.

    ``config`` is config.json; ``card`` and ``memory_mib`` are those of the first GPU that
    nvidia-smi lists, as the launcher reads no other.
    """
    read = _read(config)
    model_type = read.model_type if read else None
    tokens, source = _DEFAULTS.get(model_type or "", _DEFAULT), "default"
    optimal = _optimal(read, card, num_shard) if read else None
    if optimal is not None:
        tokens, source = optimal, "compute"
    positions = _positions(read) if read else None
    if positions is not None and positions < tokens:
        tokens, source = positions, "max_position_embeddings"
    most, short = None, False
    if read and memory_mib is not None:
        most, short = _memory_allows(read, memory_mib, num_shard, memory_fraction, wiggle_room)
    if most is not None and most < tokens:
        tokens, source = most, "memory"
    return Prefill(tokens & 0xFFFFFFFF, source, short)


def _read(config: Mapping[str, Any]) -> _Config | None:
    """Read what the launcher reads, or None where its parser fails."""
    counts: dict[str, int | None] = {}
    for name in _COUNTS:
        value = config.get(name)
        if value is not None and not _is_count(value):
            return None
        counts[name] = value
    quantization = config.get("quantization_config")
    text, vision = config.get("text_config"), config.get("vision_config")
    for mapping in (quantization, text, vision):
        if mapping is not None and not isinstance(mapping, Mapping):
            return None
    method = (quantization or {}).get("quant_method")
    model_type = config.get("model_type")
    nested = (text or {}).get("head_dim")
    if method is not None and method not in QUANTIZATIONS:
        return None
    if not isinstance(model_type, (str, type(None))) or not (nested is None or _is_count(nested)):
        return None
    if not isinstance(config.get("is_encoder_decoder"), (bool, type(None))):
        return None
    return _Config(
        counts, model_type, _head_dim(counts, nested, model_type), bool(method), vision is not None
    )


def _is_count(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and 0 <= value < 2**63


def _head_dim(counts: dict[str, int | None], nested: int | None, kind: str | None) -> int | None:
    if counts["head_dim"] is not None:
        return counts["head_dim"]
    hidden = counts["hidden_size"] if counts["hidden_size"] is not None else counts["n_embd"]
    heads = counts["num_attention_heads"]
    if hidden is not None and heads and hidden % heads == 0:
        return hidden // heads
    if nested is not None:
        return nested
    # The launcher uses this only if there is a text_config
    return 256 if kind == "gemma3" else None


def _positions(read: _Config) -> int | None:
    for name in ("max_position_embeddings", "max_seq_len", "n_positions"):
        if read.get(name) is not None:
            return read.get(name)
    return None


def _shape(read: _Config) -> tuple[int, int, int, int, int, int] | None:
    """Return layers, heads, KV heads, head_dim, hidden and intermediate size; None if one lacks."""
    heads = read.get("num_attention_heads")
    kv_heads = read.get("num_key_value_heads")
    hidden = read.get("hidden_size")
    layers, inter = read.get("num_hidden_layers"), read.get("intermediate_size")
    kv_heads = heads if kv_heads is None else kv_heads
    hidden = read.get("n_embd") if hidden is None else hidden
    if layers is None or heads is None or kv_heads is None or read.head_dim is None:
        return None
    if hidden is None or inter is None:
        return None
    return layers, heads, kv_heads, read.head_dim, hidden, inter


def _optimal(read: _Config, card: str, num_shard: int) -> int | None:
    flops, shape = f16_flops(card), _shape(read)
    if flops is None or shape is None or read.vision:
        return None
    layers, heads, kv_heads, head_dim, hidden, inter = shape
    active = _or(read.get("num_experts_per_tok"), 1) + _or(read.get("n_shared_experts"), 0)
    attention = 2 * hidden * head_dim * (3 * heads + 2 * kv_heads)
    flop = layers * (attention + 6 * hidden * inter * active)
    optimal = flops * num_shard // flop if flop else 0
    return optimal if optimal > 100 else None


def _memory_allows(
    read: _Config, memory_mib: int, num_shard: int, fraction: float, wiggle_room: float
) -> tuple[int | None, bool]:
    """Return the most tokens, and whether the launcher says "Not enough VRAM to run the model"."""
    shape, vocab = _shape(read), read.get("vocab_size")
    if shape is None or vocab is None or read.quantized:
        return None, False
    layers, heads, kv_heads, head_dim, hidden, inter = shape
    experts = _or(read.get("num_local_experts"), 1)
    total = _f32(memory_mib * MIB * num_shard)
    available = int(_f32(_f32(total * _f32(fraction)) * _f32(wiggle_room)))
    attention = (heads + 2 * kv_heads) * head_dim + heads * head_dim * hidden
    model = 2 * ((3 * inter * experts * hidden + attention) * layers + 2 * hidden * vocab)
    token = kv_heads * 2 * head_dim * 2 * layers + (inter + inter // 2) * experts * 2 * 3
    if available < model:
        return None, True
    return ((available - model) // token if token else None), False


def _or(value: int | None, otherwise: int) -> int:
    return otherwise if value is None else value


def _f32(value: float) -> float:
    rounded: float = struct.unpack("f", struct.pack("f", value))[0]
    return rounded
