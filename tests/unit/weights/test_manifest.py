"""Test the manifest: what it keeps, and what it refuses."""

from __future__ import annotations

import json
from typing import Any

import pytest
from ansible.module_utils.tgi.weights.manifest import (
    Manifest,
    WeightFile,
    from_text,
    from_tree,
    is_repository,
    is_revision,
)

FILES = (
    WeightFile("config.json", 2, "git_sha1", "a" * 40),
    WeightFile("model.safetensors", 20 << 30, "sha256", "b" * 64),
)


def test_what_is_written_is_read() -> None:
    manifest = Manifest("org/name", "c" * 40, FILES, "org/new", True)
    assert from_text(manifest.as_text()) == manifest
    assert manifest.size == (20 << 30) + 2


@pytest.mark.parametrize(
    "change",
    [
        {"path": "../x"},
        {"path": "a/b"},
        {"path": ".hidden"},
        {"size": -1},
        {"size": "2"},
        {"git_sha1": "a" * 39},
        {"git_sha1": "../" + "a" * 37},
    ],
)
def test_a_damaged_manifest_is_none(change: dict[str, Any]) -> None:
    value = json.loads(Manifest("org/name", "c" * 40, FILES).as_text())
    value["files"][0].update(change)
    assert from_text(json.dumps(value)) is None


@pytest.mark.parametrize("text", ["", "{}", "[]", '{"files": []}', "null"])
def test_no_manifest_is_none(text: str) -> None:
    assert from_text(text) is None


def test_a_tree_gives_the_hash_of_the_content_not_of_the_pointer() -> None:
    large = {"oid": "b" * 64, "size": 5, "pointerSize": 134}
    tree: list[dict[str, Any]] = [
        {"type": "file", "path": "m.safetensors", "size": 5, "oid": "d" * 40, "lfs": large},
        {"type": "file", "path": "config.json", "size": 2, "oid": "a" * 40},
        {"type": "directory", "path": "original", "oid": "e" * 40},
        {"type": "file", "path": "original/x.json", "size": 2, "oid": "a" * 40},
    ]
    assert from_tree(tree) == {
        "m.safetensors": WeightFile("m.safetensors", 5, "sha256", "b" * 64),
        "config.json": WeightFile("config.json", 2, "git_sha1", "a" * 40),
    }
    with pytest.raises(ValueError, match="no size and digest"):
        from_tree([{**tree[1], "oid": "a" * 12}])


@pytest.mark.parametrize("name", ["", "..", "a/../b", "/data/x", "a/b/c", "a--b/c", "a b/c", "é/x"])
def test_a_name_that_would_leave_the_cache_is_no_repository(name: str) -> None:
    assert not is_repository(name)


def test_names_and_commits() -> None:
    assert is_repository("meta-llama/Llama-3.1-8B-Instruct")
    assert is_repository("gpt2")
    assert is_revision("0" * 40)
    assert not is_revision("main")
    assert not is_revision("0" * 39)
