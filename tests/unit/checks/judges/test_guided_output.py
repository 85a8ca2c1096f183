"""Test judges of guided output with tables of good and bad answers."""

from __future__ import annotations

from typing import Any

import pytest
from ansible.module_utils.tgi.checks.judges.guided_output import (
    const_form,
    judge_cut,
    judge_invalid,
    judge_json,
    judge_stream,
    nested_form,
)
from ansible.module_utils.tgi.client.answer import Answer
from jsonschema import Draft7Validator

from tests.support.checks.answers import chat_events, chat_reply, error, reply, silent, stream

CONST, NESTED = const_form("kfdzqw"), nested_form("kfdzqw")
GOOD = '{"k": "kfdzqw", "n": 41}'


@pytest.mark.parametrize(
    ("form", "value"),
    [
        (CONST, {"k": "kfdzqw", "n": 42}),
        (NESTED, {"in": {"k": "kfdzqw"}, "of": ["S", "M"]}),
        (NESTED, {"in": {"k": "kfdzqw"}, "of": ["S", "S"]}),
        (CONST, {"k": "other", "n": 42}),
        (CONST, {"k": "kfdzqw", "n": 43}),
        (CONST, {"k": "kfdzqw", "n": "42"}),
        (CONST, {"k": "kfdzqw", "n": True}),
        (CONST, {"k": "kfdzqw"}),
        (CONST, {"k": "kfdzqw", "n": 42, "more": 1}),
        (CONST, '{"k": "kfdzqw", "n": 42}'),
        (CONST, []),
        (NESTED, {"in": {"k": "kfdzqw"}, "of": ["S"]}),
        (NESTED, {"in": {"k": "kfdzqw"}, "of": ["S", "L"]}),
        (NESTED, {"in": {"k": "other"}, "of": ["S", "M"]}),
        (NESTED, {"in": "kfdzqw", "of": ["S", "M"]}),
        (NESTED, {"in": {"k": "kfdzqw"}, "of": "SM"}),
        (NESTED, None),
    ],
)
def test_a_form_fits_what_its_schema_allows(form: Any, value: Any) -> None:
    assert form.fits(value) == Draft7Validator(form.schema).is_valid(value)


@pytest.mark.parametrize(
    ("answer", "problem"),
    [
        (chat_reply(GOOD), ""),
        (chat_reply(f" {GOOD}\n"), ""),
        (reply({"generated_text": GOOD, "details": {"finish_reason": "eos_token"}}), ""),
        (reply({"choices": [{"text": GOOD, "finish_reason": "stop"}]}), ""),
        (chat_reply("I am glad to help."), "is not JSON"),
        (chat_reply("I am glad to help", "length"), "is not JSON"),
        (chat_reply(""), "is not JSON"),
        (chat_reply(f"```json\n{GOOD}\n```"), "is not JSON"),
        (chat_reply('"{}"'), "does not fit the schema"),
        (chat_reply('{"k": "other", "n": 41}'), "does not fit the schema"),
        (chat_reply('{"k": "kfd', "length"), "cut after 10 characters"),
        (chat_reply('{"k": "kfd', None), "cut after 10 characters"),
        (chat_reply("\n" * 96, "length"), "cut after 96 characters"),
        (chat_reply(GOOD, "length"), "finish_reason is length"),
        (error("Input validation error: grammar is not supported"), "grammar is not supported"),
        (silent(), "connection refused"),
        (reply("<html>", 502), "HTTP 502"),
    ],
)
def test_json(answer: Answer, problem: str) -> None:
    found = judge_json(answer, CONST)
    assert (problem in found.problem) if problem else not found.problem
    assert not found.soft


def test_a_model_that_still_reasons_is_not_judged() -> None:
    found = judge_json(chat_reply("", "length", reasoning_content="Let me see"), CONST)
    assert found.soft and "still reasoning" in found.problem


def test_a_switch_that_is_off_is_named() -> None:
    found = judge_json(error("Input validation error: grammar is not supported"), CONST)
    assert "disable_grammar_support" in found.remedy


@pytest.mark.parametrize(
    ("answer", "problem", "soft"),
    [
        (chat_reply(GOOD), "", False),
        (chat_reply('{"k": "other"}'), "", False),
        (chat_reply('{"k": "kf', "length"), "cut by max_tokens", False),
        (chat_reply("  \n" * 30, "length"), "endless white space", False),
        (chat_reply("Certainly", "length"), "no JSON came", True),
        (silent(), "nothing to check: connection refused", False),
    ],
)
def test_truncated(answer: Answer, problem: str, soft: bool) -> None:
    found = judge_cut(answer)
    assert (problem in found.problem) if problem else not found.problem
    assert found.soft == soft


@pytest.mark.parametrize(
    ("answer", "problem"),
    [
        (stream(chat_events(GOOD)), ""),
        (stream(chat_events(GOOD, None)), "without an ending"),
        (stream(chat_events(GOOD)[3:]), "is not JSON"),
        (stream(chat_events(GOOD[:12], "length")), "cut after 12"),
        (stream([*chat_events(GOOD)[:5], {"error": {"message": "OOM"}}]), "an error event"),
        (stream([*chat_events(GOOD), *chat_events("x")]), "text came after the end"),
        (stream(chat_events(GOOD), fault="connection closed"), "connection closed"),
        (reply("", 500), "HTTP 500"),
    ],
)
def test_stream(answer: Answer, problem: str) -> None:
    found = judge_stream(answer, CONST)
    assert (problem in found.problem) if problem else not found.problem


@pytest.mark.parametrize(
    ("answer", "good"),
    [
        (error("grammar is not valid"), True),
        (error("bad schema", 400), True),
        (chat_reply("anything"), False),
        (error("internal", 500), False),
        (error("key", 401), False),
        (error("busy", 429), False),
        (silent(), False),
    ],
)
def test_invalid(answer: Answer, good: bool) -> None:
    assert (not judge_invalid(answer).problem) == good
