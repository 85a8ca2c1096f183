"""Test that the planner computes the same max_batch_prefill_tokens as TGI's launcher."""

from __future__ import annotations

from typing import Any

import pytest
from ansible.module_utils.tgi.planner.prefill import Prefill, choose_prefill
from hypothesis import given
from hypothesis import strategies as st

from tests.support.planner_models import LLAMA_8B, LLAMA_70B, MISTRAL, QWEN, card

LLAVA = {"model_type": "llava_next", "vision_config": {}, "text_config": LLAMA_8B}
GPTQ = {**LLAMA_8B, "quantization_config": {"quant_method": "gptq", "bits": 4}}


def choose(config: dict[str, Any], name: str, count: int = 1, **more: float) -> Prefill:
    found: Prefill = choose_prefill(config, name, card(name).memory_mib, count, **more)
    return found


@pytest.mark.parametrize(
    ("config", "name", "count", "tokens", "source"),
    [
        (LLAMA_8B, "NVIDIA A10G", 1, 8315, "compute"),
        (LLAMA_8B, "NVIDIA L4", 1, 8049, "compute"),
        (LLAMA_8B, "NVIDIA L4", 4, 32197, "compute"),
        (LLAMA_8B, "NVIDIA A100-SXM4-80GB", 1, 20755, "compute"),
        (LLAMA_8B, "NVIDIA H100 80GB HBM3", 1, 59870, "compute"),
        (LLAMA_8B, "NVIDIA H100 80GB HBM3", 8, 131072, "max_position_embeddings"),
        (LLAMA_8B, "NVIDIA GeForce RTX 4090", 1, 4096, "default"),
        (LLAMA_70B, "NVIDIA H100 80GB HBM3", 8, 48767, "compute"),
        (MISTRAL, "NVIDIA H100 80GB HBM3", 1, 32768, "max_position_embeddings"),
        (QWEN, "NVIDIA A10G", 1, 9077, "compute"),
    ],
)
def test_the_worked_values(
    config: dict[str, Any], name: str, count: int, tokens: int, source: str
) -> None:
    assert choose(config, name, count) == Prefill(tokens, source, False)


@pytest.mark.parametrize(
    "name", ["Tesla T4", "NVIDIA GeForce RTX 4090", "NVIDIA A10", "NVIDIA H100 PCIe", "nvidia t4 "]
)
def test_names_that_tgi_does_not_know(name: str) -> None:
    assert choose_prefill(LLAMA_8B, name, 81920, 1) == Prefill(4096, "default", False)


@pytest.mark.parametrize("name", ["NVIDIA T4", "nvidia l4", "NVIDIA-L40S", "NVIDIA H200"])
def test_names_that_tgi_knows(name: str) -> None:
    assert choose_prefill(LLAMA_8B, name, 81920, 1).source == "compute"


def test_memory_comes_last_and_is_computed_in_32_bit_floats() -> None:
    # (15360 MiB * 0.95 - 14449770496) / 260096, each product rounded to 24 bits
    assert choose(LLAMA_8B, "Tesla T4") == Prefill(3272, "memory", False)
    assert choose(LLAMA_8B, "NVIDIA L4", memory_fraction=0.65) == Prefill(1786, "memory", False)
    assert choose(LLAMA_8B, "NVIDIA L4", wiggle_room=0.65) == Prefill(4804, "memory", False)


def test_a_model_too_large_is_only_warned_of() -> None:
    assert choose(LLAMA_70B, "NVIDIA L4") == Prefill(819, "compute", True)


@pytest.mark.parametrize(
    ("config", "tokens"),
    [
        # The launcher ignores text_config, and computes nothing for models that read images
        (LLAVA, 4096),
        ({**LLAVA, "model_type": "qwen2_5_vl"}, 10_000),
        ({**LLAVA, "model_type": "gemma3"}, 8_000),
        ({**QWEN, "model_type": "qwen2_vl", "vision_config": {}}, 10_000),
        # The launcher drops a whole config if its parser refuses one value
        ({**LLAMA_8B, "quantization_config": {"quant_method": "mxfp4"}}, 4096),
        ({**LLAMA_8B, "hidden_size": 4096.0}, 4096),
        ({**LLAMA_8B, "num_key_value_heads": None}, 7270),
        ({**LLAMA_8B, "intermediate_size": None}, 4096),
        ({"max_seq_len": 1024}, 1024),
        ({"n_positions": 512, "max_position_embeddings": None}, 512),
        ({}, 4096),
    ],
)
def test_what_it_makes_of_other_configs(config: dict[str, Any], tokens: int) -> None:
    assert choose(config, "NVIDIA L4").tokens == tokens


def test_memory_is_not_checked_for_quantised_files() -> None:
    assert choose(GPTQ, "NVIDIA L4", memory_fraction=0.1) == Prefill(8049, "compute", False)
    assert choose(LLAMA_8B, "NVIDIA L4", memory_fraction=0.1) == Prefill(8049, "compute", True)


ODD = st.one_of(
    st.none(), st.booleans(), st.integers(-10, 2**70), st.floats(), st.sampled_from(["", "x", []])
)
CONFIGS = st.dictionaries(
    st.sampled_from([*LLAMA_8B, "vision_config", "text_config", "quantization_config"]),
    st.one_of(ODD, st.integers(0, 4096), st.dictionaries(st.just("head_dim"), ODD)),
)


@given(CONFIGS, st.integers(1, 2**26), st.integers(1, 64), st.floats(0.01, 1))
def test_nothing_upsets_it(config: dict[str, Any], mib: int, count: int, share: float) -> None:
    found = choose_prefill(config, "NVIDIA L4", mib, count, share)
    assert 0 <= found.tokens < 2**32
