"""Test which files of real repositories are wanted; their lists are as published."""

from __future__ import annotations

import json

import pytest
from ansible.module_utils.tgi.weights.manifest import WeightFile
from ansible.module_utils.tgi.weights.wanted_files import (
    index_name,
    is_weight,
    read_beside,
    shards,
    weights_of,
)

COMMON = ["config.json", "generation_config.json", "special_tokens_map.json", "tokenizer.json",
          "tokenizer_config.json", "README.md", ".gitattributes", "LICENSE"]  # fmt: skip
SHARDS = [f"model-{number:05}-of-00003.safetensors" for number in (1, 2, 3)]
MISTRAL = [*COMMON, *SHARDS, "model.safetensors.index.json", "consolidated.safetensors",
           "params.json", "tokenizer.model", "tokenizer.model.v3"]  # fmt: skip
LLAMA_ONE = [*COMMON, "model.safetensors", "USE_POLICY.md", "original/params.json"]
FALCON = [*COMMON, "pytorch_model-00001-of-00002.bin", "pytorch_model-00002-of-00002.bin",
          "pytorch_model.bin.index.json", "configuration_RW.py", "training_args.bin"]  # fmt: skip
ADAPTER = ["adapter_config.json", "adapter_model.safetensors", "training_args.bin", "README.md"]
GGUF = ["README.md", "config.json", "model-q4.gguf"]


def listed(names: list[str]) -> dict[str, WeightFile]:
    return {name: WeightFile(name, 1, "git_sha1", "a" * 40) for name in names if "/" not in name}


def index_of(names: list[str]) -> bytes:
    return json.dumps(
        {"weight_map": {f"t{place}": name for place, name in enumerate(names)}}
    ).encode()


@pytest.mark.parametrize(
    ("names", "index", "weights"),
    [
        (MISTRAL, "model.safetensors.index.json", SHARDS),
        (LLAMA_ONE, "", ["model.safetensors"]),
        (FALCON, "pytorch_model.bin.index.json", FALCON[8:10]),
        (ADAPTER, "", ["adapter_model.safetensors"]),
        (GGUF, "", []),
        ([*COMMON, "model.safetensors", "model.fp16.safetensors"], "", ["model.safetensors"]),
        ([*COMMON, "pytorch_model.bin", "training_args.bin"], "", ["pytorch_model.bin"]),
    ],
)
def test_the_weights_of_a_repository(names: list[str], index: str, weights: list[str]) -> None:
    files = listed(names)
    assert index_name(files) == index
    assert weights_of(files, index_of(weights) if index else b"") == weights


def test_what_is_read_beside_them() -> None:
    assert read_beside(listed(MISTRAL), code=False, pickle=False) == sorted(
        ["LICENSE", "config.json", "generation_config.json", "model.safetensors.index.json",
         "special_tokens_map.json", "tokenizer.json", "tokenizer.model", "tokenizer_config.json"]
    )  # fmt: skip
    assert "configuration_RW.py" not in read_beside(listed(FALCON), code=False, pickle=True)
    assert "configuration_RW.py" in read_beside(listed(FALCON), code=True, pickle=True)
    assert "USE_POLICY.md" in read_beside(listed(LLAMA_ONE), code=False, pickle=False)


def test_a_chat_template_comes_in_any_of_its_files() -> None:
    files = listed(["chat_template.json", "chat_template.jinja", "preprocessor_config.json"])
    assert read_beside(files, code=False, pickle=False) == sorted(files)


def test_an_index_that_names_what_is_not_there() -> None:
    with pytest.raises(ValueError, match=SHARDS[2]):
        weights_of(listed([*COMMON, *SHARDS[:2]]), index_of(SHARDS))


@pytest.mark.parametrize("content", [b"", b"[]", b"{}", b'{"weight_map": 1}', b"\xff"])
def test_no_index_is_refused(content: bytes) -> None:
    with pytest.raises(ValueError):
        shards(content)


def test_only_safetensors_are_opened_as_weights() -> None:
    assert is_weight("x.safetensors")
    assert not is_weight("x.bin")
