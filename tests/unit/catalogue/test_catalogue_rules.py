"""Test what the preflight says of models that the catalogue knows, or does not know."""

from __future__ import annotations

from typing import Any

import pytest
from ansible.module_utils.tgi.catalogue.catalogue_rules import catalogue_notes, check_catalogue

CODE = {
    "id": "acme/coded",
    "revision": "0" * 40,
    "licence": {"name": None, "gated": False},
    "tgi": {"level": "native", "remote_code": True},
    "config": None,
    "weights": {"format": "safetensors"},
    "chat": {"template": True, "tools": False},
}


def check(*models: dict[str, Any], **values: Any) -> list[str]:
    return list(check_catalogue({"tgi_models": list(models), **values}))


def notes(*models: dict[str, Any], **values: Any) -> list[str]:
    return list(catalogue_notes({"tgi_models": list(models), **values}))


@pytest.mark.parametrize(
    ("model", "line"),
    [
        (
            {"name": "lama-3.1-8b"},
            'tgi_models[0].model_id is missing, and the catalogue has no "lama-3.1-8b"; write '
            "model_id and revision, or model: llama-3.1-8b, if you mean "
            "meta-llama/Llama-3.1-8B-Instruct",
        ),
        (
            {"name": "chat"},
            'tgi_models[0].model_id is missing, and the catalogue has no "chat"; write '
            "model_id and revision, or model: one of the catalogue (playbooks/models.yml lists "
            "all)",
        ),
        (
            {"name": "chat", "model": "zephr-7b"},
            'tgi_models[0].model is "zephr-7b", not in the catalogue; write zephyr-7b, if you mean '
            "HuggingFaceH4/zephyr-7b-beta",
        ),
        (
            {"name": "mistral-small-3.1-24b"},
            "tgi_models[0] is mistralai/Mistral-Small-3.1-24B-Instruct-2503, which TGI cannot "
            "serve (TGI 3.3.7 does not know its type, mistral3); choose another model; "
            "playbooks/models.yml lists all",
        ),
        (
            {"name": "falcon-40b"},
            "tgi_models[0].accept_pickle is not true, but the weights of "
            "tiiuae/falcon-40b-instruct are pickles, which can run code; write accept_pickle: "
            "true if you trust them, or choose another model",
        ),
        (
            {"name": "qwen3-8b", "quantize": "eetq"},
            'tgi_models[0].quantize is "eetq", but TGI serves Qwen/Qwen3-8B by transformers; write '
            "bitsandbytes, bitsandbytes-nf4 or bitsandbytes-fp4, or delete it",
        ),
        (
            {"name": "coded"},
            "tgi_models[0].trust_remote_code is not true, but acme/coded runs Python code of its "
            "repository; read that code, then write trust_remote_code: true, or choose another "
            "model",
        ),
    ],
)
def test_a_refusal(model: dict[str, Any], line: str) -> None:
    assert check(model, tgi_catalogue={"coded": CODE}) == [line]


def test_an_explicit_yes_is_enough() -> None:
    models: list[dict[str, Any]] = [
        {"name": "falcon-40b", "accept_pickle": True},
        {"name": "coded", "trust_remote_code": True},
        {"name": "qwen3-8b", "quantize": "bitsandbytes-nf4"},
        {"name": "house", "model_id": "acme/house"},
        {"name": "own", "model": "falcon-40b", "model_id": "/data/falcon"},
    ]
    assert check(*models, tgi_catalogue={"coded": CODE}) == []


def test_an_entry_of_the_site_that_is_none() -> None:
    (line,) = check(tgi_catalogue={"house": {**CODE, "revision": "main"}})
    assert line.startswith("tgi_catalogue.house is no entry (revision: 'main' does not match")
    assert line.endswith("; write an entry as in module_utils/tgi/catalogue/models.yml")


def test_what_is_no_list_is_left_to_the_types() -> None:
    assert list(check_catalogue({"tgi_models": "x", "tgi_catalogue": "y"})) == []
    assert list(catalogue_notes({})) == []


def test_a_model_without_kernels_of_its_own_is_named() -> None:
    (line,) = notes({"name": "qwen3-8b"})
    assert line.startswith("tgi_models[0] is Qwen/Qwen3-8B, which TGI serves by transformers")


@pytest.mark.parametrize(
    "name", ["max_batch_total_tokens", "max_waiting_tokens", "waiting_served_ratio"]
)
def test_an_option_that_tgi_ignores_is_answered(name: str) -> None:
    (line,) = notes({"name": "phi-4", name: 5})
    assert line.startswith(f"tgi_models[0].{name} is set, but TGI 3 ignores it while it cuts")
    assert notes({"name": "phi-4", name: 5, "gpus": []}) == []
    off = {"PREFILL_CHUNKING": "0"}
    assert notes({"name": "phi-4", name: 5, "environment": off}) == []
    assert notes({"name": "phi-4", name: 5}, tgi_environment=off) == []
