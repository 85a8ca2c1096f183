"""Test what resolve_models fills in, and that it accepts any input."""

from __future__ import annotations

from typing import Any

import pytest
from ansible.module_utils.tgi.models.resolve import resolve_models
from hypothesis import given
from hypothesis import strategies as st

HUB = {"model_id": "acme/house-7b", "revision": "0123456789abcdef0123456789abcdef01234567"}


def gpus_of(*models: dict[str, Any]) -> list[list[str]]:
    return [model["gpus"] for model in resolve_models(list(models))]


def test_a_model_is_filled_in() -> None:
    model = {"name": "house", **HUB, "max_input_tokens": 4096, "environment": {"A": True, "B": 1}}
    assert resolve_models([model], 9000) == [
        {
            "name": "house",
            **HUB,
            "aliases": [],
            "accept_downtime": None,
            "strategy": None,
            "weights": None,
            "pinned": [],
            "port": 9000,
            "url": "http://127.0.0.1:9000",
            "project": "tgi-house",
            "gpus": ["0"],
            "num_shard": 1,
            "default": True,
            "options": {"max_input_tokens": 4096},
            "environment": {"A": "true", "B": "1"},
            "hf_token": False,
            "repositories": [],
            "catalogue": "",
            "chat": None,
            "tools": None,
            "pickle": False,
        }
    ]


def test_a_project_has_no_dots_as_compose_drops_them() -> None:
    assert resolve_models([{"name": "llama-3.1-8b"}])[0]["project"] == "tgi-llama-31-8b"


@pytest.mark.parametrize(
    ("has", "expected"),
    [("tgi2-llama-31-8b", "tgi2-llama-31-8b"), ("tgi-llama-31-8b", "tgi-llama-31-8b"),
     # A project of another name never was ours
     ("llama", "tgi-llama-31-8b"), (None, "tgi-llama-31-8b")],
)  # fmt: skip
def test_a_model_keeps_that_of_its_two_projects_which_it_has(
    has: str | None, expected: str
) -> None:
    kept = {"llama-3.1-8b": {"port": 8083, "gpus": ["1"], "project": has}}
    (model,) = resolve_models([{"name": "llama-3.1-8b"}], kept=kept)
    assert (model["project"], model["port"], model["gpus"]) == (expected, 8083, ["1"])


def test_what_the_list_says_itself_is_pinned() -> None:
    resolved = resolve_models(
        [{"name": "a"}, {"name": "b", "port": 7000}, {"name": "c", "gpus": []}]
    )
    assert [model["pinned"] for model in resolved] == [[], ["port"], ["gpus"]]


def test_only_the_first_model_is_the_default() -> None:
    resolved = resolve_models([{"name": "a"}, {"name": "b"}, {"name": "c"}])
    assert [model["default"] for model in resolved] == [True, False, False]


def test_ports_follow_the_place_unless_given() -> None:
    resolved = resolve_models([{"name": "a"}, {"name": "b", "port": 7000}, {"name": "c"}])
    assert [model["port"] for model in resolved] == [8081, 7000, 8083]


@pytest.mark.parametrize(
    ("models", "expected"),
    [
        ([{}, {}], [["0"], ["1"]]),
        ([{}, {"gpus": ["0"]}], [["1"], ["0"]]),
        ([{"num_shard": 2}, {"gpus": ["1"]}, {}], [["0", "2"], ["1"], ["3"]]),
        ([{"gpus": []}, {}], [[], ["0"]]),
        ([{"gpus": [0, "GPU-5f1c"]}, {}], [["0", "GPU-5f1c"], ["1"]]),
        ([{"gpus": "0,2"}, {}], [["0", "2"], ["1"]]),
    ],
)
def test_gpus_named_first_then_the_lowest_free(
    models: list[dict[str, Any]], expected: list[list[str]]
) -> None:
    assert gpus_of(*models) == expected


KEPT = {"b": {"port": 8082, "gpus": ["1"]}, "c": {"port": 8083, "gpus": ["2"]}}


@pytest.mark.parametrize(
    ("models", "expected"),
    [
        ([{"name": "b"}, {"name": "c"}], [(8082, ["1"]), (8083, ["2"])]),
        ([{"name": "b"}, {"name": "new"}], [(8082, ["1"]), (8081, ["0"])]),
        ([{"name": "b", "port": 9000, "gpus": []}], [(9000, [])]),
        ([{"name": "b", "num_shard": 2}], [(8082, ["1", "0"])]),
        (
            [{"name": "b"}, {"name": "new", "port": 8082, "gpus": ["1"]}],
            [(8081, ["0"]), (8082, ["1"])],
        ),
    ],
)
def test_what_is_deployed_stays_where_it_is(
    models: list[dict[str, Any]], expected: list[tuple[int, list[str]]]
) -> None:
    resolved = resolve_models(models, 8081, KEPT)
    assert [(model["port"], model["gpus"]) for model in resolved] == expected


@pytest.mark.parametrize(
    ("model", "shards"),
    [({}, 1), ({"gpus": ["0", "1"]}, 2), ({"gpus": []}, 1), ({"num_shard": "2"}, 2)],
)
def test_num_shard_is_always_said(model: dict[str, Any], shards: int) -> None:
    assert resolve_models([model])[0]["num_shard"] == shards


@pytest.mark.parametrize(
    ("name", "written", "meant"),
    [
        ("trust_remote_code", "yes", True),
        ("max_total_tokens", "8192", 8192),
        ("cuda_memory_fraction", "0.9", 0.9),
        ("cuda_graphs", "1, 2", [1, 2]),
        ("lora_adapters", ["a/b"], ["a/b"]),
        ("max_total_tokens", "many", "many"),
    ],
)
def test_options_come_in_their_own_type(name: str, written: Any, meant: Any) -> None:
    assert resolve_models([{name: written}])[0]["options"] == {name: meant}


def test_what_is_no_option_or_not_set_is_left_out() -> None:
    model = {"flash_attention": True, "dtype": None, "quantize": "", "num_shard": 1, "speculate": 0}
    assert resolve_models([model])[0]["options"] == {"speculate": 0}


JUNK = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner),
    max_leaves=6,
)
KEYS = st.sampled_from(
    ["name", "gpus", "num_shard", "port", "aliases", "environment", "cuda_graphs", "dtype"]
)


@given(st.lists(st.dictionaries(KEYS, JUNK) | JUNK, max_size=4) | JUNK, JUNK)
def test_nothing_makes_it_raise(models: Any, base_port: Any) -> None:
    for model in resolve_models(models, base_port):
        assert all(isinstance(gpu, str) for gpu in model["gpus"])
        assert model["num_shard"] >= 1
