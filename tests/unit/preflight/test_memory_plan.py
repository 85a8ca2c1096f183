"""Test that the preflight refuses models that cannot fit a host's GPUs, and only those."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from ansible.module_utils.tgi.common.commands import CommandResult
from ansible.module_utils.tgi.host.nvidia.gpus import parse_gpus
from ansible.module_utils.tgi.models.resolve import assign
from ansible.module_utils.tgi.preflight import on_host
from ansible.module_utils.tgi.preflight.inventory import host_request
from ansible.module_utils.tgi.preflight.memory_plan import (
    check_plan,
    tune,
)

from tests.support.planner_models import LLAMA_8B, LLAMA_70B
from tests.support.preflight.host_root import as_root, fake_root, request_for
from tests.support.preflight.nvidia_cards import CARDS, TWO, A, card

__all__ = ["as_root"]
COMMIT = "0123456789abcdef0123456789abcdef01234567"
LLAMA = "meta-llama/Llama-3.1-8B-Instruct"


def wanted(*models: dict[str, Any], **values: Any) -> list[dict[str, Any]]:
    """Return these entries of tgi_models as the host plans them."""
    entries = [{"name": f"m{place}", "revision": COMMIT, **one} for place, one in enumerate(models)]
    asked = host_request({"tgi_models": entries, **values}, ["gpu_hosts"])
    return on_host._with_places(asked, assign([one.entry for one in asked.models]))


def several(count: int, card_line: str) -> str:
    """Return what nvidia-smi says of so many GPUs of a kind."""
    return "".join(f"{place}, GPU-{place:08d}, {card_line}\n" for place in range(count))


def by_name(name: str, **options: Any) -> list[dict[str, Any]]:
    """Return a model as the host plans it that has a name and nothing else that the Hub knows."""
    asked = host_request({"tgi_models": [{"name": name, **options}]}, ["gpu_hosts"])
    return on_host._with_places(asked, assign([one.entry for one in asked.models]))


def judge(
    models: list[dict[str, Any]], answer: str, data_dir: Path = Path("/nowhere")
) -> list[str]:
    lines: list[str] = check_plan(models, parse_gpus(answer)[0], data_dir)
    return lines


def cache(data_dir: Path, model_id: str, config: dict[str, Any], size: int | None = None) -> Path:
    """Put a config.json where TGI's container keeps it."""
    folder = data_dir / "hub" / f"models--{model_id.replace('/', '--')}" / "snapshots" / COMMIT
    folder.mkdir(parents=True)
    (folder / "config.json").write_text(json.dumps(config))
    if size:
        index = {"metadata": {"total_size": size}}
        (folder / "model.safetensors.index.json").write_text(json.dumps(index))
    return folder


@pytest.mark.parametrize("name", CARDS)
def test_llama_8b_on_every_recorded_card(name: str) -> None:
    found = judge(wanted({"model_id": LLAMA}), CARDS[name])
    assert len(found) == (name == "T4")
    assert not found or found[0].startswith(
        "tgi_models[0] has 15.0 GiB of weights on a GPU, too much for the 15.0 GiB of Tesla T4; "
        "write quantize: eetq"
    )


GUIDE = (
    "llama-3.1-8b", "llama-3.1-70b", "mistral-7b", "mixtral-8x7b",
    "codellama-13b", "falcon-40b", "starcoder2-15b", "zephyr-7b",
)  # fmt: skip


@pytest.mark.parametrize("name", GUIDE)
def test_the_guide_s_models_by_name_alone_on_eight_h100(name: str) -> None:
    eight = several(8, "NVIDIA H100 80GB HBM3, 81559, 580.95.05, 9.0")
    (model,) = by_name(name, num_shard=4, profile="latency")
    assert (model["catalogue"], len(model["revision"])) == (name, 40)
    assert judge([model], eight) == []
    (options,) = tune([model], parse_gpus(eight)[0], Path("/nowhere"))
    assert options["max_concurrent_requests"] == 32
    assert options["max_batch_prefill_tokens"] >= 1024


def test_a_number_of_gpus_that_does_not_divide_the_heads() -> None:
    three = several(3, "NVIDIA L40S, 46068, 580.95.05, 8.9")
    (line,) = judge(by_name("mistral-7b", num_shard=3), three)
    assert line.startswith("tgi_models[0].num_shard is 3, which does not divide 32 heads")


def test_what_the_user_set_is_not_tuned() -> None:
    (model,) = by_name("mistral-7b", max_batch_prefill_tokens=3000, profile="throughput")
    (options,) = tune([model], parse_gpus(card("NVIDIA L40S", "46068", "8.9"))[0], Path("/nowhere"))
    assert options == {
        "max_batch_prefill_tokens": 3000,
        "max_concurrent_requests": 512,
        "validation_workers": 4,
    }


def test_without_a_gpu_to_see_only_what_needs_none_is_tuned() -> None:
    (options,) = tune(by_name("mistral-7b", profile="latency"), [], Path("/nowhere"))
    assert options == {"max_concurrent_requests": 32}


def test_advice_counts_the_gpus_that_are_free() -> None:
    one = {"model_id": LLAMA, "max_input_tokens": 39_000, "max_total_tokens": 60_000}
    (line,) = judge(wanted(one), TWO)
    assert "; write num_shard: 2, or " in line
    other = {"model_id": "acme/unknown", "gpus": [A]}
    (line,) = judge(wanted({**one, "gpus": ["1"]}, other), TWO)
    assert line.startswith("tgi_models[0] needs 15.0 GiB for weights and 7.3 GiB for the warm-up")
    assert "num_shard" not in line


def test_a_larger_gpu_in_the_host_is_named() -> None:
    small, large = card("Quadro P400", "2048", "8.0"), card("NVIDIA L40S", "46068", "8.9", place=1)
    weights = (
        "tgi_models[0] has 15.0 GiB of weights on a GPU, too much for the 2.0 GiB of Quadro P400"
    )
    (line,) = judge(wanted({"model_id": LLAMA}), small + large)
    assert line == f'{weights}; write gpus: ["1"] (NVIDIA L40S)'
    (line,) = judge(wanted({"model_id": LLAMA, "num_shard": 2}), small + large)
    assert line.startswith(
        "tgi_models[0] has 7.5 GiB of weights on a GPU, too much for the 2.0 GiB"
    )
    assert line.endswith(
        'of Quadro P400, the smallest of its GPUs; write gpus: ["1"] (NVIDIA L40S)'
    )
    # Another model's is none
    other = {"model_id": "acme/unknown", "gpus": ["1"]}
    (line,) = judge(wanted({"model_id": LLAMA, "gpus": ["0"]}, other), small + large)
    assert "L40S" not in line and "larger GPUs" in line


def test_a_config_in_the_hosts_cache(tmp_path: Path) -> None:
    models = wanted({"model_id": "acme/big-70b"}, {"model_id": "acme/new-9b"}, {"model_id": "x/y"})
    cards = TWO + card("NVIDIA L4", "23034", "8.9").replace("0, ", "2, ", 1)
    assert judge(models, cards, tmp_path) == []
    cache(tmp_path, "acme/big-70b", LLAMA_70B)
    cache(tmp_path, "acme/new-9b", {**LLAMA_8B, "model_type": "new"}, 30_000_000_000)
    first, second = judge(models, cards, tmp_path)
    assert first.startswith("tgi_models[0] has 131.4 GiB of weights")
    assert second.startswith("tgi_models[1] has 27.9 GiB of weights")
    local = {"model_id": "/data/house", "revision": None}
    (tmp_path / "house").mkdir()
    (tmp_path / "house/config.json").write_text(json.dumps(LLAMA_70B))
    assert len(judge(wanted(local), cards, tmp_path)) == 1


@pytest.mark.parametrize("text", ["", "[]", "{", "\0", '{"hidden_size": "x"}'])
def test_a_broken_config_is_left_to_tgi(tmp_path: Path, text: str) -> None:
    folder = cache(tmp_path, "acme/house", {})
    (folder / "config.json").write_text(text)
    assert judge(wanted({"model_id": "acme/house"}), TWO, tmp_path) == []


def test_the_config_of_a_cache_that_the_user_moved(tmp_path: Path) -> None:
    folder = cache(tmp_path, "acme/house", LLAMA_70B)
    moved = tmp_path / "elsewhere"
    moved.mkdir()
    folder.parents[1].rename(moved / "models--acme--house")
    house = {"model_id": "acme/house"}
    assert judge(wanted(house), TWO, tmp_path) == []
    there = {"HUGGINGFACE_HUB_CACHE": "/data/elsewhere"}
    assert len(judge(wanted({**house, "environment": there}), TWO, tmp_path)) == 1


@pytest.mark.parametrize(
    ("kind", "name", "refused"),
    [
        ("marlin", "T4", True),
        ("awq", "T4", True),
        ("exl2", "T4", True),
        ("fp8", "T4", True),
        ("gptq", "T4", False),
        ("eetq", "T4", False),
        ("bitsandbytes-nf4", "T4", False),
        ("marlin", "A100 40", False),
        ("fp8", "L4", False),
        ("fp8", "H100", False),
        ("awq", "no memory told", False),
    ],
)
def test_quantisation_that_the_card_cannot_do(kind: str, name: str, refused: bool) -> None:
    # The card's compute capability decides; the model's dimensions are not needed
    found = judge(wanted({"model_id": "acme/unknown", "quantize": kind}), CARDS[name])
    assert len(found) == refused
    start = f"tgi_models[0].quantize is {kind}, which needs compute capability 8.0, and Tesla T4"
    assert not found or found[0].startswith(start)


def test_what_others_report_is_not_reported_again() -> None:
    big = {"model_id": "meta-llama/Llama-3.1-70B-Instruct"}
    assert judge(wanted({**big, "gpus": ["7"]}), TWO) == []
    assert judge(wanted({**big, "gpus": ["0"]}, {**big, "gpus": ["0"]}), TWO) == []
    assert judge(wanted({**big, "gpus": ["0"], "num_shard": 2}), TWO) == []
    assert judge(wanted({**big, "gpus": []}), TWO) == []
    assert judge(wanted(big), "") == []


def test_the_environment_has_its_say() -> None:
    big = {"model_id": "meta-llama/Llama-3.1-70B-Instruct"}
    padded = {"USE_FLASH_ATTENTION": "false"}
    assert judge(wanted({**big, "environment": padded}), TWO) == []
    assert judge(wanted(big, tgi_environment=padded), TWO) == []
    assert len(judge(wanted(big, tgi_environment={"HF_ENDPOINT": "https://hub"}), TWO)) == 1


def test_the_whole_host(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    root = fake_root(tmp_path, command="nginx")
    monkeypatch.setattr(f"{on_host.__name__}.commands.ask", lambda _: CommandResult(0, TWO))
    cache(root / "var/lib/tgi", "acme/big", LLAMA_70B)
    model = {"name": "big", "model_id": "acme/big", "revision": COMMIT, "port": 9001}
    found = on_host.inspect_host(request_for(model), root)["problems"]
    assert len(found) == 1
    assert found[0].startswith("tgi_models[0] has 131.4 GiB of weights on a GPU")
