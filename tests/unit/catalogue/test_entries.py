"""Test what the catalogue says: schema, names, arithmetic, and what is unconfirmed."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import Any

import pytest
from ansible.module_utils.tgi.catalogue.entries import (
    CatalogueEntry,
    entry_problem,
    find_entry,
    read_catalogue,
    shipped,
)
from ansible.module_utils.tgi.planner.model_config import read_dimensions
from ansible.module_utils.tgi.planner.weights import FAMILIES, count_parameters

GUIDE = (
    "llama-3.1-8b", "llama-3.1-70b", "mistral-7b", "mixtral-8x7b",
    "codellama-13b", "falcon-40b", "starcoder2-15b", "zephyr-7b",
)  # fmt: skip
ENTRIES = read_catalogue()
KNOWN = [entry for entry in ENTRIES if entry.config]
OWN: dict[str, Any] = {
    "id": "acme/house-7b",
    "revision": "0" * 40,
    "licence": {"name": None, "gated": False},
    "tgi": {"level": "native"},
    "config": {"model_type": "llama"},
    "weights": {"format": "safetensors"},
    "chat": {"template": True, "tools": False},
}


def nulls(fields: Any, path: str = "") -> Iterator[str]:
    """Yield the path of every null."""
    for name, value in fields.items():
        place = f"{path}.{name}" if path else str(name)
        if value is None:
            yield place
        elif isinstance(value, dict):
            yield from nulls(value, place)


def test_the_guide_is_in_it() -> None:
    assert set(GUIDE) <= set(shipped())


@pytest.mark.parametrize("entry", ENTRIES, ids=lambda entry: entry.name)
def test_an_entry_fits_the_schema_and_names_what_is_unconfirmed(entry: CatalogueEntry) -> None:
    assert entry_problem(entry.name, entry.fields) == ""
    assert set(nulls(entry.fields)) == set(entry.fields["unconfirmed"])


@pytest.mark.parametrize("entry", KNOWN, ids=lambda entry: entry.name)
def test_the_numbers_agree_with_each_other(entry: CatalogueEntry) -> None:
    """Parameters follow from the dimensions, and bytes from both."""
    fields, dims = entry.fields, read_dimensions(entry.config or {})
    counted = count_parameters(dims)
    assert (counted is not None) == (dims.model_type in FAMILIES and not dims.vision)
    assert counted in (None, fields["parameters"])
    assert fields["weights"]["bytes"] == fields["parameters"] * dims.dtype_bytes
    assert fields["weights"]["dtype"] == fields["config"]["torch_dtype"]


def test_no_two_entries_share_a_name() -> None:
    count = Counter(word for entry in ENTRIES for word in entry.words)
    assert [word for word, times in count.items() if times > 1] == []


@pytest.mark.parametrize(
    "word",
    [
        "llama-3.1-8b",
        "Meta-Llama-3.1-8B-Instruct",
        "meta-llama/Llama-3.1-8B-Instruct",
        " LLAMA-3.1-8b",
    ],
)
def test_every_name_of_a_model_finds_it(word: str) -> None:
    found = find_entry(word, ENTRIES)
    assert found and found.name == "llama-3.1-8b"


def test_an_unknown_name_finds_nothing() -> None:
    assert find_entry("llama", ENTRIES) is None
    assert find_entry("", ENTRIES) is None


def test_a_site_adds_and_replaces_entries() -> None:
    added = read_catalogue({"house": OWN, "phi-4": OWN, "wrong": {"id": 1}, "UPPER": OWN})
    assert [entry.name for entry in added[:2]] == ["house", "phi-4"]
    assert added[1].id == "acme/house-7b"
    assert len(added) == len(ENTRIES) + 1


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"revision": "main"}, "revision: 'main' does not match"),
        ({"colour": "red"}, "'colour' was unexpected"),
        ({"tgi": {"level": "some"}}, "tgi.level: 'some' is not one of"),
        ({"licence": {"name": "mit"}}, "licence: 'gated' is a required property"),
    ],
)
def test_a_wrong_entry_is_described(change: dict[str, Any], words: str) -> None:
    assert words in entry_problem("house", {**OWN, **change})
