"""Test the environment of a container, and its digest."""

from __future__ import annotations

from typing import Any

import pytest
from ansible.module_utils.tgi.models.environment import container_environments, options_digest
from ansible.module_utils.tgi.models.resolve import resolve_models


def environments(entries: list[dict[str, Any]], **common: Any) -> dict[str, dict[str, str]]:
    fact = [
        {key: value for key, value in model.items() if key != "environment"}
        for model in resolve_models(entries)
    ]
    found: dict[str, dict[str, str]] = container_environments(fact, entries, common, "off")
    return found


def test_each_model_has_its_own() -> None:
    one = {"name": "a", "model_id": "x/a", "environment": {"K": "one", "FLAG": True}}
    two = {"name": "b", "model_id": "x/b", "usage_stats": "on", "cuda_graphs": [1, 2]}
    a, b = environments([one, two], K="all", EMPTY="", NUMBER=0).values()
    common = {"NUM_SHARD": "1", "K": "all", "NUMBER": "0", "_TYPER_STANDARD_TRACEBACK": "1"}
    assert a == {"MODEL_ID": "x/a", **common, "K": "one", "FLAG": "true", "USAGE_STATS": "off"}
    assert b == {"MODEL_ID": "x/b", **common, "USAGE_STATS": "on", "CUDA_GRAPHS": "1,2"}


@pytest.mark.parametrize("written", ["", "0", None])
def test_no_environment_brings_the_boxed_traceback_back(written: Any) -> None:
    # typer takes any text for yes, but the boxes print local variables: the Hub's token
    own = {"name": "a", "environment": {"_TYPER_STANDARD_TRACEBACK": written}}
    (a,) = environments([own], _TYPER_STANDARD_TRACEBACK=written).values()
    assert a["_TYPER_STANDARD_TRACEBACK"] == "1"


def test_a_fact_of_another_list_is_refused() -> None:
    # A fact cache may hold an old list
    with pytest.raises(ValueError, match="does not match tgi_models; run the role preflight in"):
        container_environments(resolve_models([{"name": "a"}]), [{"name": "b"}], {}, "off")


def test_the_digest_changes_with_any_value_and_no_order() -> None:
    given = {"A": "1", "B": "2"}
    assert options_digest(given) == options_digest({"B": "2", "A": "1"})
    assert options_digest(given) != options_digest({"A": "1", "B": "3"})
    assert options_digest(given) != options_digest({"A": "1"})
