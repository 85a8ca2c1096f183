"""Test the options of the profiles, and that they never cost a model its place on the GPU."""

from __future__ import annotations

from typing import Any

import pytest
from ansible.module_utils.tgi.engines.tgi.options import OPTIONS
from ansible.module_utils.tgi.planner.fit import fit, verdict
from ansible.module_utils.tgi.planner.tuning import PROFILES, tuned_options

from tests.support.planner_models import KNOWN, LLAMA_8B, LLAMA_70B, case

L4, H100 = "NVIDIA L4", "NVIDIA H100 80GB HBM3"
NEMO = KNOWN["mistralai/Mistral-Nemo-Instruct-2407"]


def test_a_profile_sets_only_options_of_the_launcher_that_it_honours() -> None:
    ignored = {name for name, option in OPTIONS.items() if option.note}
    named = {name for one in PROFILES.values() for name in one.options}
    assert named <= set(OPTIONS) - ignored


def test_balanced_leaves_everything_to_tgi() -> None:
    assert tuned_options(case(LLAMA_8B, H100), "balanced", chunks=True) == {}
    assert tuned_options(case(LLAMA_8B, H100), "", chunks=True) == {}


def test_latency_halves_the_chunk_and_throughput_lengthens_it() -> None:
    made = case(LLAMA_8B, H100)
    plain = fit(made)
    assert plain
    short = tuned_options(made, "latency", chunks=True)
    long = tuned_options(made, "throughput", chunks=True)
    assert short["max_batch_prefill_tokens"] == plain.prefill.tokens // 2
    assert short["max_concurrent_requests"] < 128 < long["max_concurrent_requests"]
    assert "max_batch_prefill_tokens" not in long or (
        long["max_batch_prefill_tokens"] > plain.prefill.tokens
    )


@pytest.mark.parametrize("profile", PROFILES)
@pytest.mark.parametrize("card", [L4, "NVIDIA A10G", H100, "Tesla T4"])
@pytest.mark.parametrize("config", [LLAMA_8B, NEMO, LLAMA_70B])
def test_what_fits_still_fits(config: dict[str, Any], card: str, profile: str) -> None:
    made = case(config, card)
    found = tuned_options(made, profile, 131_072, True)
    memory = {name: found[name] for name in found if name in type(made.options)._fields}
    changed = made._replace(options=made.options._replace(**memory))
    assert not memory or verdict(changed) == "yes"
    before, after = fit(made), fit(changed)
    assert before and after and after.kv_tokens >= 0.9 * before.kv_tokens


def test_the_advised_context_counts_where_the_gpu_has_room_for_more() -> None:
    assert tuned_options(case(NEMO, H100), "balanced", 131_072) == {"max_total_tokens": 131_072}
    # An A100 of 40 GB holds less than that, which TGI finds out by itself
    assert tuned_options(case(NEMO, "NVIDIA A100-SXM4-40GB"), "balanced", 131_072) == {}
    short = case(NEMO, H100, max_total_tokens=8192, max_input_tokens=4096)
    assert tuned_options(short, "balanced", 131_072) == {}


def test_what_the_user_or_the_model_rules_out_is_left() -> None:
    fixed = case(LLAMA_8B, H100, max_batch_prefill_tokens=5000)
    for made, chunks in ((fixed, True), (case(LLAMA_8B, H100), False), (None, True)):
        found = tuned_options(made, "latency", chunks=chunks)
        assert found == PROFILES["latency"].options
