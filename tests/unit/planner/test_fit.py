"""Test the rest for the KV cache, by the formula of TGI's warm-up."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import pytest
from ansible.module_utils.tgi.planner.fit import (
    EXPECTED,
    FAVOURABLE,
    UNFAVOURABLE,
    Assumption,
    Fit,
    fit,
    verdict,
)
from ansible.module_utils.tgi.planner.gpu_table import Card
from ansible.module_utils.tgi.planner.model_config import read_dimensions
from ansible.module_utils.tgi.planner.workload import Case, MemoryOptions
from hypothesis import given
from hypothesis import strategies as st

from tests.support.planner_models import GEMMA, KNOWN, LLAMA_8B, LLAMA_70B, PHI_2, QWEN, case

#: As in the worked value of the documented L4: a round 1 GB beside the weights
PLAIN = Assumption(10**9, Fraction(1), 0.0, 1.0)


def sure(made: Case, assumption: Assumption = EXPECTED) -> Fit:
    found = fit(made, assumption)
    assert found is not None
    return found


@pytest.mark.parametrize(
    ("config", "count", "cache", "bytes_per_token"),
    [
        (LLAMA_8B, 1, None, 131072),
        (LLAMA_8B, 1, "fp8_e5m2", 65536),
        (LLAMA_70B, 1, None, 327680),
        (LLAMA_70B, 8, None, 40960),
        (QWEN, 1, None, 57344),
        (KNOWN["meta-llama/Llama-3.2-1B-Instruct"], 1, None, 32768),
    ],
)
def test_the_cache_of_a_token(
    config: dict[str, Any], count: int, cache: str | None, bytes_per_token: int
) -> None:
    made = case(config, "NVIDIA H200", num_shard=count, kv_cache_dtype=cache)
    assert sure(made, FAVOURABLE).kv_bytes_per_token == bytes_per_token


def test_the_documented_l4() -> None:
    made = case(LLAMA_8B, "NVIDIA L4")
    # 23034 MiB * 0.9 - 16060522496 - 10**9 = 4677087129.6, in tokens of 131072 bytes
    assert sure(made, PLAIN).kv_tokens == 35683
    # chunking.md: "A single L4 (24GB) can handle 30k tokens on llama 3.1-8B"
    found = sure(made)
    assert abs(found.kv_tokens - 30_000) < 3_000
    assert (found.max_total_tokens, found.max_input_tokens) == (
        found.kv_tokens,
        found.kv_tokens - 1,
    )
    assert sure(made, UNFAVOURABLE).kv_tokens < 30_000 < sure(made, FAVOURABLE).kv_tokens
    assert verdict(made) == "yes"


def test_context_ends_at_the_positions() -> None:
    found = sure(case(LLAMA_8B, "NVIDIA H100 80GB HBM3"))
    assert found.kv_tokens > 131072 == found.max_total_tokens


@pytest.mark.parametrize(
    ("options", "tokens"),
    [
        ({}, 8787),
        # Two prompts fill the prefill of 8787, each with room for an answer
        ({"max_input_tokens": 7168, "max_total_tokens": 8192}, 2 * 8191),
        ({"max_input_tokens": 1000, "max_total_tokens": 16000}, 9 * 15999),
        ({"max_input_tokens": 1000}, 8787),
        ({"max_batch_prefill_tokens": 2048, "speculate": 3}, 2051),
        ({"attention": "flashdecoding"}, 35 * 256),
        ({"attention": "paged", "max_input_tokens": 4394}, 2 * 275 * 16),
    ],
)
def test_the_batch_of_the_warm_up(options: dict[str, Any], tokens: int) -> None:
    assert sure(case(QWEN, "NVIDIA L4", **options), PLAIN).warmup_tokens == tokens


@pytest.mark.parametrize(
    ("made", "phase", "answer"),
    [
        (case(LLAMA_70B, "NVIDIA L40S"), "load", "no"),
        (case(LLAMA_70B, "NVIDIA L40S", num_shard=3), "shard", "no"),
        (case(LLAMA_70B, "NVIDIA L40S", num_shard=4), "", "yes"),
        (case(LLAMA_8B, "NVIDIA L4", max_batch_prefill_tokens=100_000), "warmup", "no"),
        (case(LLAMA_8B, "NVIDIA L4", max_batch_prefill_tokens=32_000), "warmup", "tight"),
        (case(LLAMA_8B, "NVIDIA L4", cuda_memory_fraction=0.5), "load", "no"),
        (case(GEMMA, "NVIDIA A10G"), "warmup", "tight"),
        # One prompt of the warm-up lacks the last token of max_total_tokens
        (
            case(QWEN, "Tesla T4", max_total_tokens=4000, max_batch_prefill_tokens=2000),
            "warmup",
            "no",
        ),
        (case(LLAMA_8B, "NVIDIA L40S", enable_prefill_logprobs=True), "", "yes"),
    ],
)
def test_verdicts(made: Case, phase: str, answer: str) -> None:
    assert (sure(made).phase, verdict(made)) == (phase, answer)


def test_a_context_that_the_warm_up_takes_and_the_router_refuses() -> None:
    config = KNOWN["meta-llama/Llama-3.2-1B-Instruct"]
    options: dict[str, Any] = {"max_batch_prefill_tokens": 2048, "cuda_memory_fraction": 0.5}
    most = sure(case(config, "NVIDIA L4", **options)).kv_tokens
    phases = [
        sure(case(config, "NVIDIA L4", max_total_tokens=total, **options)).phase
        for total in (most, most + 2, most + 100_000)
    ]
    assert phases == ["", "context", "warmup"]


def test_what_cannot_be_known() -> None:
    assert verdict(case({**PHI_2, "model_type": "bloom"}, "NVIDIA L4")) == "unknown"
    assert verdict(case({**PHI_2, "model_type": "new"}, "NVIDIA L4")) == "unknown"
    assert verdict(case({**PHI_2, "model_type": "new"}, "NVIDIA L4", 5_600_000_000)) == "yes"
    assert verdict(case({}, "NVIDIA L4")) == "unknown"
    assert verdict(case(LLAMA_8B, "NVIDIA L4", attention="padding")) == "unknown"
    # A cache that is too large by itself is refused without the weights
    huge = case({**LLAMA_8B, "model_type": "new"}, "NVIDIA L4", max_total_tokens=500_000)
    assert verdict(huge) == "no"


def made_of(dims: tuple[int, int, int, int, int], mib: int, shards: int, **options: Any) -> Case:
    layers, groups, per_group, width, vocab = dims
    config = {
        "model_type": "llama",
        "hidden_size": 128 * groups * per_group,
        "intermediate_size": 64 * width,
        "num_hidden_layers": layers,
        "num_attention_heads": groups * per_group,
        "num_key_value_heads": groups,
        "vocab_size": 64 * vocab,
        "max_position_embeddings": 2**40,
    }
    known = {"max_batch_prefill_tokens": 512, **options}
    return Case(
        config,
        read_dimensions(config),
        None,
        MemoryOptions(num_shard=shards, **known),
        Card(0, "x", mib, 9.0),
    )


SIZES = st.tuples(
    st.integers(1, 128),
    st.sampled_from([1, 2, 4, 8, 16]),
    st.integers(1, 16),
    st.integers(1, 512),
    st.integers(1, 4096),
)
MEMORY = st.integers(1, 200_000)
WISHES = st.fixed_dictionaries(
    {},
    optional={
        "quantize": st.sampled_from(["eetq", "fp8", "bitsandbytes-nf4"]),
        "kv_cache_dtype": st.just("fp8_e5m2"),
        "max_input_tokens": st.integers(1, 2**31 - 1),
        "max_batch_prefill_tokens": st.integers(1, 2**31 - 1),
        "cuda_memory_fraction": st.floats(0.01, 1),
        "speculate": st.integers(0, 64),
        "wiggle_room": st.floats(0.01, 0.99),
        "attention": st.sampled_from(["", "paged", "flashinfer", "flashdecoding"]),
    },
)


@given(SIZES, MEMORY, st.integers(0, 100_000), WISHES)
def test_more_memory_is_never_fewer_tokens(
    dims: tuple[int, int, int, int, int], mib: int, more: int, options: dict[str, Any]
) -> None:
    small, large = (sure(made_of(dims, size, 1, **options)) for size in (mib, mib + more))
    assert large.kv_tokens >= small.kv_tokens >= 0
    assert small.phase or not large.phase


@given(SIZES, MEMORY)
def test_more_shards_are_never_fewer_tokens(dims: tuple[int, int, int, int, int], mib: int) -> None:
    groups = dims[1]
    found = [sure(made_of(dims, mib, count)) for count in (1, 2, 4, 8, 16) if groups % count == 0]
    tokens = [one.kv_tokens for one in found]
    assert tokens == sorted(tokens)
    assert sorted(not one.phase for one in found) == [not one.phase for one in found]


@given(SIZES, MEMORY, WISHES)
def test_fewer_bits_and_better_luck_are_never_fewer_tokens(
    dims: tuple[int, int, int, int, int], mib: int, options: dict[str, Any]
) -> None:
    made = made_of(dims, mib, 1, **options)
    fewer = made._replace(options=made.options._replace(kv_cache_dtype="fp8_e5m2"))
    assert sure(fewer).kv_tokens >= sure(made).kv_tokens
    tokens = [sure(made, one).kv_tokens for one in (UNFAVOURABLE, EXPECTED, FAVOURABLE)]
    assert tokens == sorted(tokens)
    assert verdict(made) in ("yes", "tight", "no")


@given(SIZES, MEMORY, WISHES, st.integers(1, 2**31 - 1))
def test_what_is_promised_is_there(
    dims: tuple[int, int, int, int, int], mib: int, options: dict[str, Any], total: int
) -> None:
    found = sure(made_of(dims, mib, 1, max_total_tokens=total, **options))
    used = found.weights_bytes + found.overhead_bytes + found.activation_bytes
    if found.phase not in ("load", "warmup"):
        assert used + found.kv_tokens * found.kv_bytes_per_token <= found.memory_bytes
    assert found.phase or found.kv_tokens >= found.max_total_tokens == total
