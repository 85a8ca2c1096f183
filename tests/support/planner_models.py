"""config.json of models, as far as a plan reads it, and short ways to make cases of them."""

from __future__ import annotations

from typing import Any

from ansible.module_utils.tgi.catalogue.entries import read_catalogue
from ansible.module_utils.tgi.planner.gpu_table import Card, read_cards
from ansible.module_utils.tgi.planner.model_config import read_dimensions
from ansible.module_utils.tgi.planner.workload import Case, MemoryOptions

#: config.json of the catalogue's models by repository
KNOWN: dict[str, Any] = {
    entry.id: dict(entry.fields["config"]) for entry in read_catalogue() if entry.fields["config"]
}
LLAMA_8B = KNOWN["meta-llama/Llama-3.1-8B-Instruct"]
LLAMA_70B = KNOWN["meta-llama/Llama-3.1-70B-Instruct"]
MISTRAL = KNOWN["mistralai/Mistral-7B-Instruct-v0.3"]
QWEN = KNOWN["Qwen/Qwen2.5-7B-Instruct"]
GEMMA = KNOWN["google/gemma-2-9b-it"]
MIXTRAL = KNOWN["mistralai/Mixtral-8x7B-Instruct-v0.1"]
PHI_2: dict[str, Any] = {
    "model_type": "phi",
    "hidden_size": 2560,
    "intermediate_size": 10240,
    "num_hidden_layers": 32,
    "num_attention_heads": 32,
    "num_key_value_heads": None,
    "vocab_size": 51200,
    "max_position_embeddings": 2048,
    "tie_word_embeddings": False,
}
PHI_3_MINI: dict[str, Any] = {
    "model_type": "phi3",
    "hidden_size": 3072,
    "intermediate_size": 8192,
    "num_hidden_layers": 32,
    "num_attention_heads": 32,
    "num_key_value_heads": 32,
    "vocab_size": 32064,
    "max_position_embeddings": 4096,
    "tie_word_embeddings": False,
}
GEMMA_3_1B: dict[str, Any] = {
    "model_type": "gemma3_text",
    "hidden_size": 1152,
    "intermediate_size": 6912,
    "num_hidden_layers": 26,
    "num_attention_heads": 4,
    "num_key_value_heads": 1,
    "head_dim": 256,
    "vocab_size": 262144,
    "max_position_embeddings": 32768,
}


def card(name: str) -> Card:
    """The one card of that name."""
    (found,), problems = read_cards([name])
    assert not problems
    made: Card = found
    return made


def case(config: dict[str, Any], name: str, file_bytes: int | None = None, **options: Any) -> Case:
    """A model on cards of one kind."""
    made: Case = Case(
        config, read_dimensions(config), file_bytes, MemoryOptions(**options), card(name)
    )
    return made
