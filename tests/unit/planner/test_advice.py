"""Test that all advice makes the model fit, and that the least harmful comes first."""

from __future__ import annotations

from typing import Any

import pytest
from ansible.module_utils.tgi.planner.advice import Advice, advise, sentence
from ansible.module_utils.tgi.planner.fit import Fit, fit
from ansible.module_utils.tgi.planner.gpu_table import known_cards
from ansible.module_utils.tgi.planner.quantization import fp8_cache, refusal, works
from ansible.module_utils.tgi.planner.workload import Case
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.support.planner_models import GEMMA, LLAMA_8B, LLAMA_70B, MIXTRAL, QWEN, case

LONG = {"max_input_tokens": 30_000, "max_total_tokens": 60_000}


def sets(made: Case, gpus: int) -> list[dict[str, Any]]:
    return [one.set for one in advise(made, gpus)]


def test_in_order_of_least_harm() -> None:
    assert sets(case(LLAMA_8B, "NVIDIA L4", **LONG), 2) == [
        {"num_shard": 2},
        {"max_input_tokens": 15811, "max_total_tokens": 21081},
        {"quantize": "eetq"},
        {"quantize": "bitsandbytes-nf4"},
        {},
    ]


@pytest.mark.parametrize(
    ("made", "gpus", "first"),
    [
        (
            case(LLAMA_8B, "NVIDIA L4", max_batch_prefill_tokens=60_000),
            1,
            "max_batch_prefill_tokens",
        ),
        (case(LLAMA_8B, "NVIDIA L4", max_total_tokens=40_000), 1, "max_total_tokens"),
        (case(LLAMA_70B, "NVIDIA H100 80GB HBM3"), 8, "num_shard"),
        (case(LLAMA_8B, "NVIDIA GeForce RTX 3090", max_total_tokens=50_000), 1, "max_total_tokens"),
    ],
)
def test_the_first_advice(made: Case, gpus: int, first: str) -> None:
    assert first in advise(made, gpus)[0].set


def test_the_cache_in_8_bits_only_where_the_card_has_them() -> None:
    options = {"max_total_tokens": 40_000, "max_input_tokens": 39_000}
    assert {"kv_cache_dtype": "fp8_e5m2"} in sets(case(LLAMA_8B, "NVIDIA L4", **options), 1)
    old = sets(case(LLAMA_8B, "NVIDIA A10G", **options), 1)
    assert old
    assert not any("kv_cache_dtype" in one for one in old)


def test_more_gpus_before_four_bits() -> None:
    found = sets(case(LLAMA_70B, "NVIDIA L40S"), 2)
    assert found[0] == {"num_shard": 2, "quantize": "eetq"}
    assert {"quantize": "bitsandbytes-nf4"} in found


def fit_with(made: Case, advice: Advice) -> Fit:
    """Return the planner's verdict after the advice is applied."""
    options: dict[str, Any] = dict(advice.set)
    found = fit(made._replace(options=made.options._replace(**options)))
    assert found is not None
    return found


def test_one_change_after_the_other_where_none_is_enough() -> None:
    made = case(LLAMA_70B, "NVIDIA L4", **LONG)
    found = advise(made, 4)
    assert found[0].set["num_shard"] == 4
    assert "quantize" in found[0].set
    assert fit_with(made, found[0]).phase == ""


def test_the_size_of_a_model_that_would_fit() -> None:
    (last,) = [one for one in advise(case(MIXTRAL, "NVIDIA L4"), 1) if not one.set]
    assert last.result == "a model of at most 19.0 GiB (10.2 billion weights)"
    assert sentence(last).startswith("has room for a model of at most ")
    assert sentence(Advice({"a": 1, "b": "c"}, "x")) == "fits with a: 1 and b: c (x)"


def test_quantised_files_get_only_advice_that_helps_them() -> None:
    config = {
        **LLAMA_70B,
        "quantization_config": {"quant_method": "awq", "bits": 4, "group_size": 128},
    }
    assert all("quantize" not in one for one in sets(case(config, "NVIDIA L4"), 8))


@settings(max_examples=60, deadline=None)
@given(
    st.sampled_from([LLAMA_8B, LLAMA_70B, QWEN, GEMMA, MIXTRAL]),
    st.sampled_from(known_cards()),
    st.integers(1, 8),
    st.fixed_dictionaries(
        {},
        optional={
            "max_total_tokens": st.integers(600, 200_000),
            "max_input_tokens": st.integers(1, 100_000),
            "max_batch_prefill_tokens": st.integers(1, 100_000),
            "quantize": st.sampled_from(["eetq", "fp8", "bitsandbytes-nf4"]),
            "kv_cache_dtype": st.just("fp8_e4m3fn"),
            "cuda_memory_fraction": st.floats(0.1, 1),
        },
    ),
)
def test_all_advice_has_been_tried(
    config: dict[str, Any], name: str, gpus: int, options: dict[str, Any]
) -> None:
    made = case(config, name, **options)
    for one in advise(made, gpus):
        if one.set:
            found = fit_with(made, one)
            assert not found.phase
            assert f"{found.kv_tokens} tokens" in one.result
            assert int(one.set.get("num_shard", 1)) <= gpus


@pytest.mark.parametrize(
    ("kind", "from_capability"),
    [("marlin", 8.0), ("awq", 8.0), ("exl2", 8.0), ("fp8", 8.0), ("gptq", 0.0)],
)
@pytest.mark.parametrize("capability", [7.0, 7.5, 8.0, 8.6, 8.9, 9.0, 10.0, 12.0])
def test_quantisation_and_compute_capability(
    kind: str, from_capability: float, capability: float
) -> None:
    assert works(kind, capability) is (capability >= from_capability)
    refused = refusal(kind, capability)
    assert (refused is None) is (capability >= from_capability)
    assert refused is None or refused[0] == f"needs compute capability {from_capability}"


@pytest.mark.parametrize("kind", ["eetq", "bitsandbytes", "bitsandbytes-nf4", "compressed-tensors"])
def test_what_tgi_does_not_say_is_unknown(kind: str) -> None:
    assert works(kind, 7.0) is None
    assert refusal(kind, 7.0) is None
    assert works("marlin", None) is None
    assert (fp8_cache(8.6), fp8_cache(8.9), fp8_cache(None)) == (False, True, False)
