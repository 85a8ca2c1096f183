"""Test dimensions from the usual shapes of config.json, and exact numbers of parameters."""

from __future__ import annotations

from typing import Any

import pytest
from ansible.module_utils.tgi.planner.model_config import Checkpoint, missing, read_dimensions
from ansible.module_utils.tgi.planner.weights import count_parameters, size_per_gpu
from ansible.module_utils.tgi.planner.workload import shard_choices
from hypothesis import given
from hypothesis import strategies as st

from tests.support.planner_models import (
    GEMMA,
    GEMMA_3_1B,
    KNOWN,
    LLAMA_8B,
    LLAMA_70B,
    MISTRAL,
    MIXTRAL,
    PHI_2,
    PHI_3_MINI,
    QWEN,
)

ONE_B = KNOWN["meta-llama/Llama-3.2-1B-Instruct"]
THREE_B = KNOWN["meta-llama/Llama-3.2-3B-Instruct"]
FALCON = {
    "model_type": "falcon",
    "hidden_size": 4544,
    "num_hidden_layers": 32,
    "num_attention_heads": 71,
    "multi_query": True,
    "new_decoder_architecture": False,
    "vocab_size": 65024,
}


@pytest.mark.parametrize(
    ("config", "parameters"),
    [
        # From the models' cards, or the metadata of their safetensors
        (LLAMA_8B, 8_030_261_248),
        (LLAMA_70B, 70_553_706_496),
        (ONE_B, 1_235_814_400),
        (THREE_B, 3_212_749_824),
        (MISTRAL, 7_248_023_552),
        (MIXTRAL, 46_702_792_704),
        (QWEN, 7_615_616_512),
        (GEMMA, 9_241_705_984),
        (GEMMA_3_1B, 999_885_952),
        (PHI_2, 2_779_683_840),
        (PHI_3_MINI, 3_821_079_552),
    ],
)
def test_parameters_are_counted_exactly(config: dict[str, Any], parameters: int) -> None:
    assert count_parameters(read_dimensions(config)) == parameters


def test_a_tied_head_takes_memory_of_its_own() -> None:
    size = size_per_gpu(read_dimensions(ONE_B), None, 1, None)
    assert size == (2 * (1_235_814_400 + 128256 * 2048), True)
    by_files = size_per_gpu(read_dimensions(ONE_B), None, 1, 2 * 1_235_814_400)
    assert by_files == size


@pytest.mark.parametrize(
    ("config", "said"),
    [
        ({**LLAMA_8B, "head_dim": 64}, {"head_dim": 64}),
        ({**LLAMA_8B, "head_dim": None}, {"head_dim": 128}),
        ({"text_config": LLAMA_8B, "vision_config": {}}, {"num_hidden_layers": 32, "vision": True}),
        ({**LLAMA_8B, "text_config": {"hidden_size": 512}}, {"hidden_size": 512, "head_dim": 16}),
        (PHI_2, {"num_key_value_heads": 32, "qkv_bias": True, "output_bias": True}),
        (QWEN, {"qkv_bias": True, "output_bias": False, "mlp_bias": False}),
        (MIXTRAL, {"num_experts": 8, "num_experts_per_tok": 2}),
        (GEMMA, {"tie_word_embeddings": True, "head_dim": 256}),
        (FALCON, {"num_key_value_heads": 1, "head_dim": 64, "tie_word_embeddings": None}),
        (
            {**FALCON, "new_decoder_architecture": True, "num_kv_heads": 8},
            {"num_key_value_heads": 8},
        ),
        ({"n_embd": 1600, "n_head": 25, "n_layer": 48, "n_positions": 1024}, {"head_dim": 64}),
        ({**LLAMA_8B, "model_type": "deepseek_v2"}, {"head_dim": 192}),
        ({**LLAMA_8B, "torch_dtype": "float32"}, {"dtype_bytes": 4}),
        (
            {"quantization_config": {"quant_method": "awq", "bits": 4, "group_size": 128}},
            {"checkpoint": Checkpoint("awq", 4.0, 128)},
        ),
        ({"hidden_size": "4096", "num_attention_heads": "32"}, {"head_dim": 128}),
        ({"num_attention_heads": [8, 16], "hidden_size": -1}, {"num_attention_heads": None}),
    ],
)
def test_shapes(config: dict[str, Any], said: dict[str, Any]) -> None:
    dims = read_dimensions(config)
    assert {name: getattr(dims, name) for name in said} == said


def test_missing_dimensions_are_named() -> None:
    dims = read_dimensions({"hidden_size": 4096, "model_type": "llama"})
    kv = ["num_hidden_layers", "num_attention_heads", "num_key_value_heads", "head_dim"]
    assert missing(dims) == kv
    assert missing(dims, weights=True) == [*kv, "intermediate_size", "vocab_size"]
    assert count_parameters(dims) is None
    assert size_per_gpu(dims, None, 1, None).bytes is None


@pytest.mark.parametrize(
    ("config", "quantize", "choices"),
    [
        (LLAMA_8B, None, [1, 2, 4, 8]),
        (QWEN, None, [1, 2, 4]),
        (PHI_2, None, [1, 2, 4, 8, 16]),
        (GEMMA_3_1B, None, [1]),
        (FALCON, None, [1]),
        ({**FALCON, "num_attention_heads": 64}, None, [1, 2, 4, 8, 16]),
        (LLAMA_8B, "exl2", [1]),
    ],
)
def test_what_divides_the_heads(
    config: dict[str, Any], quantize: str | None, choices: list[int]
) -> None:
    assert shard_choices(read_dimensions(config), quantize) == choices


@pytest.mark.parametrize(
    ("quantize", "config", "gigabytes"),
    [
        (None, LLAMA_8B, 16.06),
        ("eetq", LLAMA_8B, 9.08),
        ("bitsandbytes-nf4", LLAMA_8B, 5.70),
        # Attention, and the first and the last layer, keep 16 bits
        ("fp8", LLAMA_8B, 10.78),
        ("fp8", MISTRAL, 7.52),
        # 4 bits, with scales and zeros of groups of 128: 5.74 GB on the Hub
        ("gptq", {**LLAMA_8B, "quantization_config": {"bits": 4, "group_size": 128}}, 5.73),
    ],
)
def test_quantised_weights(quantize: str, config: dict[str, Any], gigabytes: float) -> None:
    if quantize == "gptq":
        config = {
            **config,
            "quantization_config": {**config["quantization_config"], "quant_method": "gptq"},
        }
    size = size_per_gpu(read_dimensions(config), quantize, 1, None)
    assert size.bytes is not None
    assert round(size.bytes / 1e9, 2) == gigabytes
    assert size.exact is (quantize is None)


ODD = st.one_of(
    st.none(), st.booleans(), st.integers(), st.floats(), st.sampled_from(["", "7", "x", []])
)
CONFIGS = st.dictionaries(
    st.sampled_from(
        [*MIXTRAL, "text_config", "quantization_config", "attention_bias", "multi_query"]
    ),
    st.one_of(ODD, st.dictionaries(st.sampled_from([*MIXTRAL, "bits", "group_size"]), ODD)),
)


@given(CONFIGS, st.integers(1, 16), st.sampled_from([None, 1, 2**60]))
def test_nothing_upsets_it(config: dict[str, Any], count: int, file_bytes: int | None) -> None:
    dims = read_dimensions(config)
    assert 1 in shard_choices(dims)
    for quantize in (None, "eetq", "gptq", "fp8", "nonsense"):
        size = size_per_gpu(dims, quantize, count, file_bytes)
        assert size.bytes is None or size.bytes >= 0
