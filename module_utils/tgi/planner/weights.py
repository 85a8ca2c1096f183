"""Compute how many bytes a model's weights take on each GPU.

Exact for the architectures in FAMILIES, by their layers in transformers; for all others the
size of the files must be known. TGI keeps 16 bits per weight, whatever the files have, and
loads a head that is tied to the embedding a second time (TensorParallelHead).
"""

from __future__ import annotations

import math
from typing import NamedTuple

from .model_config import Dimensions, missing
from .quantization import ON_THE_FLY

#: Architectures whose parameters are counted exactly
FAMILIES = (
    "llama",
    "granite",
    "mistral",
    "mixtral",
    "qwen2",
    "gemma",
    "gemma2",
    "gemma3_text",
    "phi",
    "phi3",
)
# flash_llama_modeling.py, no_fp8: attention stays as it is, and so do the first and last layer
_FP8_IN_PART = ("llama", "granite", "phi3", "phimoe", "baichuan")
_CHECKPOINTS = ("gptq", "awq", "marlin", "exl2")


class Elements(NamedTuple):
    """Numbers of weights; ``head`` counts also if it is tied and missing from the files."""

    embedding: int
    head: int
    attention: int
    mlp: int
    #: Norms, biases, routers: small, and on every GPU
    rest: int


class Size(NamedTuple):
    """Bytes on each GPU, or None; and whether they are exact or estimated."""

    bytes: int | None
    exact: bool


def count_elements(dims: Dimensions) -> Elements | None:
    """Return the numbers of weights, or None for other architectures and unknown dimensions."""
    hidden, layers, vocab = dims.hidden_size, dims.num_hidden_layers, dims.vocab_size
    inter, heads = dims.intermediate_size, dims.num_attention_heads
    kv_heads, head_dim = dims.num_key_value_heads, dims.head_dim
    if dims.model_type not in FAMILIES or dims.vision or missing(dims, weights=True):
        return None
    # missing() has checked each of them
    assert hidden and layers and vocab and inter and heads and kv_heads and head_dim
    queries, keys = heads * head_dim, 2 * kv_heads * head_dim
    phi, gemma = dims.model_type == "phi", dims.model_type.startswith("gemma")
    rest = dims.qkv_bias * (queries + keys) + dims.output_bias * hidden
    rest += dims.mlp_bias * (inter * (1 if phi else 2) + hidden)
    # RMS norms: two a layer, four in gemma2 and 3; gemma3 norms queries and keys as well
    rest += hidden * (4 if gemma and dims.model_type != "gemma" else 2)
    rest += 2 * head_dim if dims.model_type == "gemma3_text" else 0
    rest += hidden * dims.num_experts if dims.num_experts > 1 else 0
    last = 2 * hidden + vocab if phi else hidden
    return Elements(
        embedding=vocab * hidden,
        head=vocab * hidden,
        attention=layers * (hidden * (queries + keys) + queries * hidden),
        mlp=layers * hidden * inter * dims.num_experts * (2 if phi else 3),
        rest=layers * rest + last,
    )


def count_parameters(dims: Dimensions) -> int | None:
    """Return the number of parameters as a model card would, or None."""
    elements = count_elements(dims)
    if elements is None or dims.tie_word_embeddings is None:
        return None
    return sum(elements) - (elements.head if dims.tie_word_embeddings else 0)


def size_per_gpu(
    dims: Dimensions, quantize: str | None, num_shard: int, file_bytes: int | None
) -> Size:
    """Return the bytes of the weights on each of ``num_shard`` GPUs.

    ``file_bytes`` is the size of all *.safetensors together, if it is known.
    """
    stored = dims.checkpoint
    if stored is not None or quantize in _CHECKPOINTS or quantize == "compressed-tensors":
        return _stored(dims, quantize, num_shard, file_bytes)
    elements = _elements(dims, file_bytes)
    if elements is None:
        return Size(None, False)
    linear = ON_THE_FLY.get(quantize or "", 2.0)
    mlp, attention = elements.mlp * linear, elements.attention * linear
    if quantize == "fp8" and dims.model_type in _FP8_IN_PART:
        outer = min(2 / (dims.num_hidden_layers or 2), 1)
        mlp = elements.mlp * (2 * outer + linear * (1 - outer))
        attention = elements.attention * 2
    divided = mlp + attention + 2 * elements.embedding
    whole = 2 * elements.rest
    # A vocabulary that cannot be divided leaves the whole head on every GPU
    if dims.vocab_size and dims.vocab_size % num_shard:
        whole += 2 * elements.head
    else:
        divided += 2 * elements.head
    # Scales of 8 and 4 bits are left out or rounded: below 1 % of the layer
    return Size(math.ceil(divided / num_shard) + whole, not quantize)


def _elements(dims: Dimensions, file_bytes: int | None) -> Elements | None:
    counted = count_elements(dims)
    if file_bytes is None:
        return counted if dims.tie_word_embeddings is not None else None
    total = file_bytes // dims.dtype_bytes
    table = (dims.vocab_size or 0) * (dims.hidden_size or 0)
    known = counted or Elements(min(table, total), table, 0, 0, 0)
    head = 0 if dims.tie_word_embeddings else known.head
    others = known.embedding + head + known.attention + known.rest
    # The rest of the files (other layers, a vision tower) is divided like the MLP
    return known._replace(mlp=max(total - others, 0))


def _stored(dims: Dimensions, quantize: str | None, num_shard: int, file_bytes: int | None) -> Size:
    """Return the size of a checkpoint that is quantised in its files already."""
    tied = (dims.vocab_size or 0) * (dims.hidden_size or 0) * 2 if dims.tie_word_embeddings else 0
    if file_bytes is not None:
        return Size(math.ceil((file_bytes + tied) / num_shard), False)
    elements = count_elements(dims)
    stored = dims.checkpoint
    method = stored.method if stored else quantize
    if elements is None:
        return Size(None, False)
    bits = stored.bits if stored else None
    if method in ("fp8", "fbgemm_fp8"):
        bits = 8.0
    if method not in (*_CHECKPOINTS, "fp8", "fbgemm_fp8") or bits is None:
        return Size(None, False)
    # A group has a 16 bit scale and a zero of the weights' own width
    group = (stored.group_size if stored else None) or 0
    bits += (16 + bits) / group if group else 0
    linear = (elements.attention + elements.mlp) * bits / 8
    others = 2 * (elements.embedding + elements.head)
    return Size(math.ceil((linear + others) / num_shard) + 2 * elements.rest, False)
