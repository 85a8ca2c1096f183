"""Test judges of /info and /v1/models."""

from __future__ import annotations

from typing import Any

import pytest
from ansible.module_utils.tgi.checks.judges.identity import judge_info, judge_list
from ansible.module_utils.tgi.checks.selection import Model

from tests.support.checks.answers import reply

MODEL = Model("small", "acme/small", "a" * 40, (), "", 1024, 2048)
GOOD_INFO = {"model_id": "acme/small", "model_sha": "a" * 40, "max_input_tokens": 1024,
             "max_total_tokens": 2048}  # fmt: skip
INFO: dict[str, dict[str, Any]] = {
    "": {},
    "serves acme/other": {"model_id": "acme/other"},
    "serves revision": {"model_sha": "b" * 40},
    "max_total_tokens is 4096": {"max_total_tokens": 4096},
    "has no model_id": {"model_id": None},
}


@pytest.mark.parametrize("problem", INFO)
def test_info(problem: str) -> None:
    found = judge_info(reply({**GOOD_INFO, **INFO[problem]}), MODEL).problem
    assert problem in found
    assert bool(found) == bool(problem)


def test_info_of_a_local_path_tells_no_revision() -> None:
    assert not judge_info(reply({**GOOD_INFO, "model_sha": None}), MODEL).problem


@pytest.mark.parametrize(
    ("value", "problem"),
    [
        ({"object": "list", "data": [{"id": "small"}]}, ""),
        ({"object": "list", "data": [{"id": "other"}]}, "not listed: small"),
        ({"object": "list", "data": [{"id": "small"}, {"id": "small"}]}, "unique"),
        ({"object": "list", "data": []}, "not a list"),
        (["small"], "not a list"),
    ],
)
def test_list(value: Any, problem: str) -> None:
    assert problem in judge_list(reply(value), ["small"]).problem
    assert bool(problem) == bool(judge_list(reply(value), ["small"]).problem)


@pytest.mark.parametrize(
    ("root", "problem"),
    [
        ("acme/small", ""),
        (None, ""),
        ("/models/small", ""),
        ("acme/other", "small is served from acme/other, not acme/small"),
        (7, "small is served from 7"),
    ],
)
def test_what_is_behind_a_name(root: Any, problem: str) -> None:
    """Read the root as vLLM sends it; an adapter has its own."""
    adapter = {"id": "adapter", "root": "acme/adapter", "parent": "small"}
    listed = reply({"object": "list", "data": [{"id": "small", "root": root}, adapter]})
    found = judge_list(listed, ["small"], "acme/small")
    assert found.problem.startswith(problem) and bool(found.problem) == bool(problem)
    assert ("/models/small" in found.observed) == (root == "/models/small")
    assert not judge_list(listed, ["small"]).problem
