"""Test the messages for wrong types, unknown names and missing options: place and remedy."""

from __future__ import annotations

from typing import Any

import pytest
from ansible.module_utils.tgi.common.problem import UNKNOWN
from ansible.module_utils.tgi.preflight.value_types import check_options, check_value

MODELS = {
    "type": "list",
    "elements": "dict",
    "options": {
        "name": {
            "type": "str",
            "required": True,
            "description": "What clients ask for in C(model).",
        },
        "gpus": {"type": "list", "elements": "str"},
        "max_total_tokens": {"type": "int"},
        "max_input_tokens": {"type": "int"},
        "cuda_memory_fraction": {"type": "float"},
        "trust_remote_code": {"type": "bool"},
        "usage_stats": {"type": "str", "choices": ["on", "off", "no-stack"]},
    },
}
CONSUMERS = {
    "type": "list",
    "elements": "dict",
    "options": {"keys": {"type": "list", "elements": "str", "no_log": True}},
}


@pytest.mark.parametrize(
    ("model", "line"),
    [
        ({}, "tgi_models[0].name is missing; write name: (What clients ask for in model)"),
        (
            {"name": None},
            "tgi_models[0].name is missing; write name: (What clients ask for in model)",
        ),
        (
            {"name": ["a"]},
            'tgi_models[0].name is a list, not a text; write a text such as name: "word", in ',
        ),
        (
            {"max_total_tokens": "many"},
            'tgi_models[0].max_total_tokens is "many", not a whole number; '
            "write a whole number such as max_total_tokens: 4096",
        ),
        ({"max_total_tokens": True}, "tgi_models[0].max_total_tokens is true, not a whole number"),
        ({"max_total_tokens": 1.5}, "tgi_models[0].max_total_tokens is 1.5, not a whole number"),
        ({"cuda_memory_fraction": "most"}, '"most", not a number'),
        (
            {"max_total_tokens": "4096"},
            'is "4096", not a whole number; write 4096 without quotes; where a template makes it, '
            "add | int",
        ),
        ({"cuda_memory_fraction": "0.9"}, "write 0.9 without quotes"),
        (
            {"trust_remote_code": "yes"},
            'is "yes", not true or false; write trust_remote_code: true or trust_remote_code: '
            "false, without quotes",
        ),
        ({"gpus": "0"}, 'tgi_models[0].gpus is "0", not a list'),
        ({"gpus": [{"index": 0}]}, "tgi_models[0].gpus[0] is a mapping, not a text"),
        (
            {"usage_stats": False},
            "tgi_models[0].usage_stats is false, not a text; write one of on, off, no-stack, "
            "in quotes",
        ),
        ({"usage_stats": "of"}, 'is "of", not an allowed value; write off'),
        ({"usage_stats": "sometimes"}, "write one of on, off, no-stack"),
        ({"gpu": ["0"]}, "tgi_models[0].gpu is not a known option; write gpus"),
        ({"max_input_length": 5}, "write max_input_tokens, its new name"),
        ({"flash_attention": True}, "delete it: the launcher has no such option"),
        ({"zzz": 1}, "delete it, or write one of: cuda_memory_fraction, gpus, max_input_tokens"),
    ],
)
def test_what_is_refused(model: dict[str, Any], line: str) -> None:
    named = {"name": "a", **model} if model else model
    (found,) = check_value(MODELS, [named], "tgi_models")
    assert line in found


@pytest.mark.parametrize(
    ("kind", "value", "remedy"),
    [
        (
            "bool",
            "False",
            "write x: true or x: false, without quotes; in an INI file False; on the ",
        ),
        (
            "bool",
            "yes",
            "without quotes; in an INI file True; on the command line -e '{\"x\": true}'",
        ),
        (
            "int",
            "7",
            "write 7 without quotes; where a template makes it, add | int; on the command ",
        ),
        ("float", "0.5", "add | float; on the command line -e '{\"x\": 0.5}'"),
    ],
)
def test_where_every_value_is_a_text(kind: str, value: str, remedy: str) -> None:
    (line,) = check_value({"type": kind}, value, "x")
    assert remedy in line


def test_a_text_that_is_no_number_anywhere() -> None:
    (line,) = check_value({"type": "int"}, "many", "x")
    assert "-e" not in line


@pytest.mark.parametrize(
    "model",
    [
        {"name": "a", "max_total_tokens": 4096, "gpus": ["0"], "usage_stats": "off"},
        {"name": "a", "max_total_tokens": 4096, "gpus": [0], "cuda_memory_fraction": 1},
        {"name": 7, "trust_remote_code": False, "usage_stats": None},
        {"name": UNKNOWN, "gpus": UNKNOWN},
    ],
)
def test_what_is_let_through(model: dict[str, Any]) -> None:
    assert check_value(MODELS, [model], "tgi_models") == []


def test_the_place_in_the_list_is_named() -> None:
    models = [{"name": "a"}, {"name": "b", "max_total_tokens": "x"}, "c"]
    found = check_value(MODELS, models, "tgi_models")
    assert [line.split()[0] for line in found] == [
        "tgi_models[1].max_total_tokens",
        "tgi_models[2]",
    ]


@pytest.mark.parametrize(
    "value", ["hunter2-hunter2", [{"keys": "hunter2-hunter2"}], [{"keys": [["hunter2-hunter2"]]}]]
)
def test_a_secret_is_never_shown(value: Any) -> None:
    found = check_value(CONSUMERS, value, "gateway_consumers")
    assert len(found) == 1
    assert "hunter2" not in found[0]


def test_top_level_names_stand_alone() -> None:
    options = {"gateway_server_name": {"required": True, "description": ["Name clients use."]}}
    found = check_options(options, {}, "")
    assert found == [
        "gateway_server_name is missing; write gateway_server_name: (Name clients use)"
    ]
