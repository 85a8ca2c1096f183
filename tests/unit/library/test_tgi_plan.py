"""Test the module tgi_plan: named cards, models of an inventory, the table, unknown values."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml
from ansible.module_utils.tgi.catalogue.expand import expand_models
from ansible.module_utils.tgi.planner.gpu_table import read_cards
from ansible.module_utils.tgi.planner.plan import plan_models
from ansible.module_utils.tgi.planner.plan_table import make_table

from tests.support.planner_models import LLAMA_8B, MIXTRAL
from tests.support.roots import ROOT
from tests.support.run_module import load, run

HOUSE = {"name": "house", "model_id": "acme/house-8b"}
LLAMA = {"name": "llama", "model_id": "meta-llama/Llama-3.1-8B-Instruct"}
BIG = {"name": "big", "model_id": "meta-llama/Llama-3.1-70B-Instruct"}


def plan(capsys: pytest.CaptureFixture[str], **args: Any) -> dict[str, Any]:
    """Run the module as its action does, which completes the models from the catalogue."""
    if "models" in args:
        args["models"] = expand_models(args["models"])
    answer: dict[str, Any] = run(load("tgi_plan"), capsys, **args)
    assert not answer.get("failed"), answer
    return answer


def test_a_plan(capsys: pytest.CaptureFixture[str]) -> None:
    answer = plan(capsys, models=[LLAMA, {**BIG, "num_shard": 2}], gpus=["2x NVIDIA L4", "L40S"])
    small, big = answer["models"]
    assert (small["fits"], small["gpus_needed"], small["num_shard_choices"]) == (
        "yes",
        1,
        [1, 2, 4, 8],
    )
    assert (small["weights_gib"], small["weights_exact"]) == (14.96, True)
    assert (small["kv_tokens"], small["max_total_tokens"]) == (28516, 28516)
    assert (small["max_batch_prefill_tokens"], small["prefill_source"]) == (8049, "compute")
    assert small["gpus"][0]["name"] == "NVIDIA L4"
    assert small["gpus"][0]["index"] == 0
    assert (big["fits"], big["gpus_needed"], big["kv_tokens"]) == ("no", 8, None)
    # The launcher reads the first card; the smallest card decides what fits
    assert [gpu["index"] for gpu in big["gpus"]] == [1, 2]
    assert any("GPUs of different kinds" in line for line in big["warnings"])
    assert answer["problems"] == big["problems"]
    assert answer["problems"][0].startswith("tgi_models[1] has 65.7 GiB of weights on a GPU, too ")


def test_the_table() -> None:
    models = [
        {**LLAMA, "quantize": "bitsandbytes-nf4"},
        {**LLAMA, "name": "long", "max_total_tokens": 50_000, "max_input_tokens": 40_000},
        {"name": "slow", "model_id": "x/y", "gpus": []},
    ]
    cards, _ = read_cards(["2x NVIDIA L4"])
    table = make_table(plan_models(expand_models(models), cards)).splitlines()
    assert table[:4] == [
        "MODEL  FITS  GPUS           WEIGHTS  KV TOKENS  MAX TOTAL  PREFILL",
        "llama  yes   1x NVIDIA L4  ~5.3 GiB    ~107543     107543     8049",
        "long   no    1x NVIDIA L4  15.0 GiB          -          -     8049",
        "slow   cpu   -                    -          -          -        -",
    ]
    assert table[4].startswith(
        "note: tgi_models[0] has quantised weights, so their size is estimated"
    )
    assert table[5].startswith(
        "problem: tgi_models[1] has room for at most 40112 tokens, but max_t"
    )
    assert "write max_input_tokens: 15811 and max_total_tokens: 21081, or " in table[5]
    assert table[6].startswith("advice: tgi_models[1] fits with max_input_tokens: ")


@pytest.mark.parametrize(
    ("gpus", "cards"),
    [
        (["2x NVIDIA L4"], [("NVIDIA L4", 23034, 8.9), ("NVIDIA L4", 23034, 8.9)]),
        (["l4", "tesla t4"], [("NVIDIA L4", 23034, 8.9), ("Tesla T4", 15360, 7.5)]),
        (["RTX 4090"], [("NVIDIA GeForce RTX 4090", 24564, 8.9)]),
        (["4090"], []),
        ("1 x NVIDIA H200", [("NVIDIA H200", 143771, 9.0)]),
        ([{"name": "NVIDIA L4", "memory_mib": 22000}], [("NVIDIA L4", 22000, 8.9)]),
        ([{"name": "New", "memory_mib": "999", "count": 2}], [("New", 999, None)] * 2),
        ([{"name": "New"}, {"memory_mib": 7}, 3, "0x L4", {}], []),
    ],
)
def test_cards(gpus: Any, cards: list[tuple[Any, ...]]) -> None:
    found, problems = read_cards(gpus)
    assert [tuple(card)[1:4] for card in found] == cards
    assert [card.number for card in found] == list(range(len(found)))
    assert all("; write" in line for line in problems)
    assert bool(problems) is (not cards)


@pytest.mark.parametrize("way", ["path", "directory", "text", "mapping", "entry"])
def test_a_config_in_every_form(
    way: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    config = {**LLAMA_8B, "model_type": "new"}
    (tmp_path / "config.json").write_text(json.dumps(config))
    index = {"metadata": {"total_size": 16_060_522_496}, "weight_map": {}}
    (tmp_path / "model.safetensors.index.json").write_text(json.dumps(index))
    told = {**config, "weights_bytes": 16_060_522_496}
    given: dict[str, Any] = {
        "path": str(tmp_path / "config.json"),
        "directory": str(tmp_path),
        "text": json.dumps(told),
        "mapping": told,
    }
    if way == "entry":
        answer = plan(capsys, models=[{**HOUSE, "config": told}], gpus=["L4"])
    else:
        answer = plan(capsys, models=[HOUSE], configs={"house": given[way]}, gpus=["L4"])
    (model,) = answer["models"]
    assert (model["fits"], model["weights_gib"], model["kv_tokens"]) == ("yes", 14.96, 28516)
    assert any("planned by its files' size" in line for line in model["warnings"])


@pytest.mark.parametrize(
    ("config", "warning"),
    [
        (None, "tgi_models[0] has no config.json; name its config.json in plan_configs"),
        ("/nowhere/config.json", "cannot be read (No such file or directory)"),
        ("{", "config is not JSON"),
        ({"model_type": "llama"}, "has no num_hidden_layers, num_attention_heads, num_key_value"),
        (
            {**LLAMA_8B, "model_type": "new"},
            "has weights of unknown size (new); write weights_bytes",
        ),
        ({**LLAMA_8B, "model_type": "opt"}, "TGI serves in padded batches; not planned"),
        (
            {**MIXTRAL, "vision_config": {}},
            "reads images; the plan does not count their activations",
        ),
    ],
)
def test_what_is_unknown_is_said(
    config: Any, warning: str, capsys: pytest.CaptureFixture[str]
) -> None:
    configs = {} if config is None else {"house": config}
    (model,) = plan(capsys, models=[HOUSE], configs=configs, gpus=["L4"])["models"]
    assert model["fits"] == "unknown"
    assert model["problems"] == []
    assert any(warning in line for line in model["warnings"])


@pytest.mark.parametrize(
    ("models", "line"),
    [
        (
            [LLAMA, {**LLAMA, "name": "b"}, {**LLAMA, "name": "c"}],
            "tgi_models[2] needs GPU 2, but the host has 2",
        ),
        (
            [LLAMA, {**LLAMA, "name": "b", "gpus": ["0"]}, {**LLAMA, "name": "c", "gpus": ["0"]}],
            "which b uses",
        ),
        (
            [{**LLAMA, "gpus": ["0"], "num_shard": 2}],
            "tgi_models[0].gpus has 1, but num_shard is 2; write as",
        ),
        (
            [{**LLAMA, "num_shard": 3}],
            "tgi_models[0].num_shard is 3, which does not divide 32 heads",
        ),
        (
            [{**LLAMA, "quantize": "awq"}],
            "tgi_models[0].quantize is awq, which needs compute capability 8",
        ),
    ],
)
def test_problems(models: list[dict[str, Any]], line: str) -> None:
    cards, _ = read_cards(["2x T4"] if len(models) > 1 or "quantize" in models[0] else ["3x L4"])
    problems = [
        found for plan in plan_models(expand_models(models), cards) for found in plan.problems
    ]
    assert any(line in found for found in problems), problems
    assert all("\n" not in found and ";" in found for found in problems)


def test_a_short_answer_without_max_input_tokens_is_warned_of() -> None:
    cards, _ = read_cards(["L4"])
    (plan,) = plan_models(expand_models([{**LLAMA, "max_total_tokens": 4096}]), cards)
    assert any("counts below zero; write max_input_tokens" in line for line in plan.warnings)
    longer = {**LLAMA, "max_total_tokens": 4096, "max_input_tokens": 4000}
    (plan,) = plan_models(expand_models([longer]), cards)
    assert plan.warnings == []


def test_uuids_stand_for_any_card() -> None:
    cards, _ = read_cards(["2x L4"])
    models = [{**LLAMA, "gpus": ["GPU-5f1c"]}, {**LLAMA, "name": "b", "gpus": ["GPU-beef"]}]
    assert [
        [card.number for card in plan.cards] for plan in plan_models(expand_models(models), cards)
    ] == [
        [0],
        [1],
    ]


@pytest.mark.parametrize("models", [None, "x", [None, 3], [{}], [{"name": "a", "quantize": ["x"]}]])
@pytest.mark.parametrize("gpus", [[], ["L4"], [{"name": "x", "memory_mib": 1}]])
def test_nothing_upsets_it(models: Any, gpus: list[Any]) -> None:
    cards, _ = read_cards(gpus)
    assert make_table(plan_models(expand_models(models), cards)).startswith("MODEL")


def test_the_page_shows_what_comes_out() -> None:
    models = yaml.safe_load(
        (ROOT / "inventories/sample/group_vars/gpu_hosts/models.yml").read_text()
    )
    cards, _ = read_cards(["2x NVIDIA L4"])
    page = (ROOT / "docs/plan.md").read_text()
    for line in make_table(plan_models(expand_models(models["tgi_models"]), cards)).splitlines():
        assert f"        {line}\n" in page


def test_the_playbook_touches_no_host(tmp_path: Path) -> None:
    """Plan for a host that does not exist; the run fails because the plan does not fit."""
    inventory = tmp_path / "hosts.yml"
    host = {"ansible_host": "gpu1.invalid", "tgi_models": [LLAMA]}
    inventory.write_text(yaml.safe_dump({"gpu_hosts": {"hosts": {"gpu1": host}}}))
    command = [str(Path(sys.executable).with_name("ansible-playbook")), "-i", str(inventory)]
    command += [
        str(ROOT / "playbooks/plan.yml"),
        "-e",
        f"ansible_python_interpreter={sys.executable}",
    ]
    for gpus, code, words in (("L4", 0, "28516"), ("T4", 2, "too much for the 15.0 GiB")):
        extra = json.dumps({"plan_gpus": [gpus]})
        done = subprocess.run(
            [*command, "-e", extra], cwd=ROOT, capture_output=True, text=True, check=False
        )
        assert done.returncode == code, done.stdout + done.stderr
        assert words in done.stdout
