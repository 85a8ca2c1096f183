"""A model's dimensions, from its config.json in the shapes that Hugging Face models have.

Nothing is guessed: what config.json does not say is None, and :func:`missing` names it.
Sources in the comments are files of TGI 3.3.7 below server/text_generation_server.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

from ..common.problem import number, whole

# Larger than any real value, so that a typing error does not overflow the numbers
_MOST = 2**40
# models/__init__.py takes qk_nope_dim + qk_rope_dim, which no config.json has: 128 + 64
_HEAD_DIM = {"deepseek_v2": 192, "deepseek_v3": 192}
# The default of transformers when config.json does not say whether embeddings are tied
_TIED = {"gemma": True, "gemma2": True, "gemma3_text": True, "cohere": True}
_NOT_TIED = ("llama", "granite", "mistral", "mixtral", "qwen2", "phi", "phi3")
_KV = ("num_hidden_layers", "num_attention_heads", "num_key_value_heads", "head_dim")
_WEIGHTS = ("hidden_size", "intermediate_size", "vocab_size")


class Checkpoint(NamedTuple):
    """The storage of weights that the repository already has quantised."""

    method: str
    bits: float | None
    group_size: int | None


class Dimensions(NamedTuple):
    """The fields of config.json, by its own names; None if it does not set one."""

    model_type: str
    hidden_size: int | None
    num_hidden_layers: int | None
    num_attention_heads: int | None
    num_key_value_heads: int | None
    head_dim: int | None
    intermediate_size: int | None
    vocab_size: int | None
    max_position_embeddings: int | None
    #: Experts of each layer, 1 for a dense model; and how many of them a token goes through
    num_experts: int
    num_experts_per_tok: int
    tie_word_embeddings: bool | None
    #: Whether the query, key and value projections have a bias, and the output projection
    qkv_bias: bool
    output_bias: bool
    mlp_bias: bool
    #: Bytes of a weight in the files, by torch_dtype
    dtype_bytes: int
    checkpoint: Checkpoint | None
    vision: bool


def read_dimensions(config: Mapping[str, Any]) -> Dimensions:
    """Return the dimensions of the part that generates text; never raises.

    A text_config, as vision models have it, takes precedence over the top level, as in TGI.
    """
    nested = config.get("text_config")
    text: dict[str, Any] = {**config, **nested} if isinstance(nested, Mapping) else dict(config)
    model_type = str(text.get("model_type") or "")
    heads = _first(text, "num_attention_heads", "n_head", "n_heads")
    hidden = _first(text, "hidden_size", "n_embd", "d_model")
    biased = text.get("attention_bias") is True
    qwen, phi = model_type.startswith("qwen2"), model_type == "phi"
    return Dimensions(
        model_type=model_type,
        hidden_size=hidden,
        num_hidden_layers=_first(text, "num_hidden_layers", "n_layer", "n_layers"),
        num_attention_heads=heads,
        num_key_value_heads=_kv_heads(text, heads),
        head_dim=_head_dim(text, model_type, hidden, heads),
        intermediate_size=_first(text, "intermediate_size", "n_inner", "ffn_dim"),
        vocab_size=_first(text, "vocab_size"),
        max_position_embeddings=_first(
            text, "max_position_embeddings", "max_seq_len", "n_positions"
        ),
        num_experts=_first(text, "num_local_experts", "n_routed_experts", "num_experts") or 1,
        num_experts_per_tok=_first(text, "num_experts_per_tok") or 1,
        tie_word_embeddings=_tied(text, model_type),
        qkv_bias=qwen or phi or biased,
        output_bias=phi or (biased and not qwen),
        mlp_bias=phi or text.get("mlp_bias") is True,
        dtype_bytes=4 if "32" in str(text.get("torch_dtype") or text.get("dtype") or "") else 2,
        checkpoint=_checkpoint(config.get("quantization_config")),
        vision=isinstance(config.get("vision_config"), Mapping),
    )


def missing(dims: Dimensions, weights: bool = False) -> list[str]:
    """Name what must be known for the KV cache, or for the size of the weights too."""
    names = (*_KV, *_WEIGHTS) if weights else _KV
    return [name for name in names if getattr(dims, name) is None]


def _first(text: Mapping[str, Any], *names: str) -> int | None:
    for name in names:
        value = whole(text.get(name))
        if value is not None and 0 < value <= _MOST:
            return value
    return None


def _kv_heads(text: Mapping[str, Any], heads: int | None) -> int | None:
    # models/custom_modeling/flash_rw_modeling.py
    if text.get("multi_query") is True and not text.get("new_decoder_architecture"):
        return 1
    # Without them every head has its own, as in transformers
    return _first(text, "num_key_value_heads", "n_head_kv", "num_kv_heads") or heads


def _head_dim(
    text: Mapping[str, Any], model_type: str, hidden: int | None, heads: int | None
) -> int | None:
    if model_type in _HEAD_DIM:
        return _HEAD_DIM[model_type]
    given = _first(text, "head_dim")
    if given or not hidden or not heads:
        return given
    return hidden // heads or None


def _tied(text: Mapping[str, Any], model_type: str) -> bool | None:
    said = text.get("tie_word_embeddings")
    if isinstance(said, bool):
        return said
    return False if model_type in _NOT_TIED else _TIED.get(model_type)


def _checkpoint(config: Any) -> Checkpoint | None:
    if not isinstance(config, Mapping):
        return None
    bits = number(config.get("bits"))
    group = whole(config.get("group_size"))
    return Checkpoint(
        str(config.get("quant_method") or "unknown"),
        bits if bits is not None and 0 < bits <= 16 else None,
        group if group is not None and 0 < group <= _MOST else None,
    )
