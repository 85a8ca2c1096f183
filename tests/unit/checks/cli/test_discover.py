"""Test how the command finds models and engines behind a URL."""

from __future__ import annotations

from typing import Any

import pytest
from ansible.module_utils.tgi.checks.cli import discover


@pytest.mark.parametrize(
    "listed",
    [None, {}, [], "x", 5, [{"id": "a\x1b[31m"}], [None, 1, {}, {"id": None}], {"id": "a"}],
)
def test_without_a_list_no_package_is_named(listed: Any) -> None:
    assert discover.read_list(listed, "direct") == []
    assert discover.read_list(listed, "edge") == []


def test_adapters_and_aliases_are_no_models_of_their_own() -> None:
    lora = [{"id": "base", "root": "/models/base"}, {"id": "lora", "root": "x", "parent": "base"}]
    assert discover.read_list(lora, "direct") == [{"name": "base"}]
    named = [{"id": "a", "root": "a"}, {"id": "b", "root": "a"}, {"id": "c"}]
    assert discover.read_list(named, "edge") == [
        {"name": "a", "aliases": ["b"]},
        {"name": "c", "aliases": []},
    ]
