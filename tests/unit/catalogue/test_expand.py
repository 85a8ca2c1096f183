"""Test what a model of tgi_models gets from the catalogue, and that the user's word wins."""

from __future__ import annotations

from typing import Any

import pytest
from ansible.module_utils.tgi.catalogue.expand import expand_models

LLAMA = "meta-llama/Llama-3.1-8B-Instruct"
PINNED = "0e9e39f249a16976918f6564b8830bc894c89659"
OTHER = "1" * 40


def one(**model: Any) -> dict[str, Any]:
    (found,) = expand_models([model])
    assert isinstance(found, dict)
    return found


@pytest.mark.parametrize(
    "model",
    [
        {"name": "llama-3.1-8b"},
        {"name": "chat", "model": "llama-3.1-8b"},
        {"name": "chat", "model": "meta-llama/Meta-Llama-3.1-8B-Instruct"},
        {"name": "chat", "model_id": LLAMA},
        {"name": "llama-3.1-8b", "model_id": "", "revision": None},
    ],
)
def test_a_name_is_enough(model: dict[str, Any]) -> None:
    found = one(**model)
    assert (found["model_id"], found["revision"]) == (LLAMA, PINNED)
    assert found["name"] == model["name"]
    known = found["catalogue"]
    assert (known["name"], known["gated"], known["chat"]) == ("llama-3.1-8b", True, True)
    assert known["config"]["weights_bytes"] == 16_060_522_496


def test_what_the_user_wrote_wins() -> None:
    found = one(name="chat", model_id="meta-llama/Meta-Llama-3.1-8B-Instruct", revision=OTHER)
    assert found["model_id"] == "meta-llama/Meta-Llama-3.1-8B-Instruct"
    assert found["revision"] == OTHER
    assert found["catalogue"]["gated"] is True


def test_a_repository_or_directory_of_ones_own_is_not_taken_for_the_entry_of_its_name() -> None:
    for model_id in ("acme/llama", "/data/llama-3.1-8b"):
        model = {"name": "llama-3.1-8b", "model_id": model_id}
        assert expand_models([model]) == [model]


@pytest.mark.parametrize("model_id", ["acme/fine-tuned", "/data/llama"])
def test_a_copy_gets_dimensions_and_chat_but_no_revision(model_id: str) -> None:
    found = one(name="chat", model="falcon-40b", model_id=model_id)
    assert "revision" not in found
    known = found["catalogue"]
    assert (known["gated"], known["pickle"]) == (None, False)
    assert known["config"]["num_hidden_layers"] == 60


def test_expanding_twice_changes_nothing() -> None:
    models = [{"name": "falcon-40b"}, {"name": "x", "model": "phi-4", "model_id": "/data/x"}]
    once = expand_models(models)
    assert expand_models(once) == once


def test_what_is_no_list_of_models_stays() -> None:
    values: list[Any] = [None, "{{ later }}", [1, "x", None], [{}]]
    for value in values:
        assert expand_models(value) == value


def test_images_and_transformers_get_whole_prompts() -> None:
    chunks = {
        name: one(name=name)["catalogue"]["chunks"]
        for name in ("gemma-3-12b", "qwen3-8b", "gemma-2-9b")
    }
    assert chunks == {"gemma-3-12b": False, "qwen3-8b": False, "gemma-2-9b": True}
