"""Test the catalogue's table, and plan every entry on every GPU that the planner knows."""

from __future__ import annotations

import pytest
from ansible.module_utils.tgi.catalogue.entries import CatalogueEntry, find_entry, read_catalogue
from ansible.module_utils.tgi.planner.catalogue_table import (
    HEAD,
    cards_needed,
    catalogue_rows,
    catalogue_text,
)
from ansible.module_utils.tgi.planner.gpu_table import Card, known_cards, read_cards

ENTRIES = read_catalogue()


def entry(name: str) -> CatalogueEntry:
    found = find_entry(name, ENTRIES)
    assert isinstance(found, CatalogueEntry)
    return found


def cards(*names: str) -> list[Card]:
    found, problems = read_cards(list(names))
    assert not problems
    return list(found)


@pytest.mark.parametrize("one", ENTRIES, ids=lambda one: one.name)
def test_every_entry_is_planned_on_every_known_gpu(one: CatalogueEntry) -> None:
    """A larger memory of the same architecture never needs more cards."""
    answers = {name: cards_needed(one, cards(f"8x {name}")) for name in known_cards()}
    assert set(answers.values()) <= {"no", "?", "-", "1", "2", "4", "5", "7", "8"}
    assert ("?" in answers.values()) == (one.config is None and "-" not in answers.values())
    smaller, larger = answers["NVIDIA A100-SXM4-40GB"], answers["NVIDIA A100-SXM4-80GB"]
    assert smaller in ("no", "-", "?") or int(larger) <= int(smaller)


@pytest.mark.parametrize(
    ("name", "gpus", "answer"),
    [
        ("llama-3.1-8b", "1x NVIDIA L4", "1"),
        ("llama-3.1-8b", "8x Tesla T4", "2"),
        ("llama-3.1-70b", "1x NVIDIA H100 80GB HBM3", "no"),
        ("llama-3.1-70b", "4x NVIDIA H100 80GB HBM3", "2"),
        ("falcon-40b", "2x NVIDIA A100-SXM4-80GB", "2"),
        ("mistral-small-3.1-24b", "1x NVIDIA H200", "-"),
    ],
)
def test_known_answers(name: str, gpus: str, answer: str) -> None:
    assert cards_needed(entry(name), cards(gpus)) == answer


def test_the_largest_gpus_of_a_host_come_first() -> None:
    assert cards_needed(entry("llama-3.1-8b"), cards("Tesla T4", "NVIDIA L40S")) == "1"
    assert cards_needed(entry("llama-3.1-8b"), []) == "no"


def test_a_column_for_each_host() -> None:
    head, row = catalogue_rows([entry("codellama-13b")], {"gpu1": cards("NVIDIA L4")})
    assert head == (*HEAD, "gpu1")
    repository = "codellama/CodeLlama-13b-Instruct-hf"
    assert row == ("codellama-13b", repository, "24.2 GiB", "?", "yes", "yes", "no")
    text = catalogue_text([entry("phi-4")], {}).splitlines()
    assert text[0].split() == list(HEAD)
    assert text[1].startswith("phi-4  microsoft/phi-4  27.3 GiB")
