"""Test which models will probably be refused by the Hub."""

from __future__ import annotations

from typing import Any

import pytest
from ansible.module_utils.tgi.models.gated import gated_note, lacks_token
from ansible.module_utils.tgi.models.resolve import normalise


def lacks(model_id: str, environment: dict[str, str] | None = None, **more: Any) -> bool:
    (model,) = normalise([{"name": "a", "model_id": model_id, **more}])
    found: bool = lacks_token(model, environment or {})
    return found


@pytest.mark.parametrize(
    "model_id",
    [
        "meta-llama/Llama-3.1-8B-Instruct",
        "google/gemma-2-9b-it",
        "google/codegemma-7b",
        "mistralai/Mistral-7B-Instruct-v0.3",
        "bigcode/starcoder2-15b",
    ],
)
def test_gated_families(model_id: str) -> None:
    assert lacks(model_id)
    assert not lacks(model_id, hf_token=True)
    assert not lacks(model_id, {"HF_HUB_OFFLINE": "1"})
    assert not lacks(model_id, {"HF_ENDPOINT": "https://hub.example.org"})


@pytest.mark.parametrize("model_id", ["Qwen/Qwen2.5-7B", "google/flan-t5-xl", "/data/gemma-2"])
def test_others(model_id: str) -> None:
    assert not lacks(model_id)


def test_the_warning() -> None:
    assert gated_note({"model_id": "meta-llama/x"}, "tgi_models[0]") == (
        "tgi_models[0].hf_token is not set, and most repositories like meta-llama/x are gated; "
        "write hf_token: true, and the token as tgi_hf_token"
    )
