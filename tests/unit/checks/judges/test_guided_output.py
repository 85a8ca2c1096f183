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

from tests.support.checks.answers import (
    chat_events,
    chat_reply,
    error,
    reply,
    silent,
    stream,
    usage,
)

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


def cut(text: str, tokens: int = 96, finish: str | None = "length") -> Answer:
    """Return an answer that says how many tokens it took."""
    message = {"role": "assistant", "content": text}
    choice = {"index": 0, "message": message, "finish_reason": finish}
    return reply({"choices": [choice], "usage": usage(20, tokens)})


@pytest.mark.parametrize(
    ("answer", "problem", "soft"),
    [
        (chat_reply(GOOD), "", False),
        (chat_reply(f" {GOOD}\n"), "", False),
        (reply({"generated_text": GOOD, "details": {"finish_reason": "eos_token"}}), "", False),
        (reply({"choices": [{"text": GOOD, "finish_reason": "stop"}]}), "", False),
        (chat_reply("I am glad to help."), "is not JSON", False),
        (chat_reply("I am glad to help", "length"), "is not JSON", False),
        (chat_reply(""), "is not JSON: it is empty", False),
        (chat_reply(f"```json\n{GOOD}\n```"), "is not JSON", False),
        (chat_reply('"{}"'), "does not fit the schema", False),
        (chat_reply('{"k": "other", "n": 41}'), "does not fit the schema", False),
        # A small model with white space between the tokens: valid so far
        (cut('{\n\n  "k"\n :  "kfd'), "96 tokens did not suffice: 17 characters", True),
        (chat_reply('{"k": "kfd', "length"), "96 tokens did not suffice", True),
        (cut(GOOD), "finish_reason is length", True),
        # No continuation mends these
        (cut('{"k": "other'), "cannot fit the schema", False),
        (cut('{"n": 41, "n'), "cannot fit the schema", False),
        (cut("\n" * 96), "endless white space", False),
        (cut("{" + "\n" * 95), "endless white space", False),
        # The engine cut these by itself
        (cut('{"k": "kfd', 12), "cut after 12 of 96 tokens, 10 characters", False),
        (cut(GOOD, 12), "finish_reason is length", False),
        (chat_reply('{"k": "kfd', None), "cut after 10 characters, finish_reason missing", False),
        (chat_reply('{"k": "kfd'), "cut after 10 characters, finish_reason stop", False),
        (error("Input validation error: grammar is not supported"), "not supported", False),
        (silent(), "connection refused", False),
        (reply("<html>", 502), "HTTP 502", False),
    ],
)
def test_json(answer: Answer, problem: str, soft: bool) -> None:
    found = judge_json(answer, CONST)
    assert (problem in found.problem) if problem else not found.problem
    assert found.soft == soft


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
        (cut('{"k": "kf'), "96 tokens did not suffice", True),
        (cut('{"k": "kf', 12), "cut after 12 of 96 tokens", False),
        (chat_reply("  \n" * 30, "length"), "endless white space", False),
        (chat_reply("Certainly", "length"), "no JSON came that fits", True),
        (chat_reply('{"k": "other', "length"), "no JSON came that fits", True),
        (silent(), "nothing to check: connection refused", False),
    ],
)
def test_truncated(answer: Answer, problem: str, soft: bool) -> None:
    found = judge_cut(answer, CONST)
    assert (problem in found.problem) if problem else not found.problem
    assert found.soft == soft


@pytest.mark.parametrize(
    ("answer", "problem"),
    [
        (stream(chat_events(GOOD)), ""),
        (stream(chat_events(GOOD, None)), "without an ending"),
        (stream(chat_events(GOOD)[3:]), "is not JSON"),
        (stream(chat_events(GOOD[:12], "length")), "96 tokens did not suffice"),
        (stream(chat_events(GOOD[:12])), "cut after 12 characters, finish_reason stop"),
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
        # llama.cpp's words
        (
            error(
                "Unable to generate parser for this template. JSON schema error: type hiccup", 400
            ),
            True,
        ),
        # It refuses every chat: that says nothing of schemas
        (error("Template error: template not found"), False),
        (chat_reply("anything"), False),
        (error("internal", 500), False),
        (error("key", 401), False),
        (error("busy", 429), False),
        (silent(), False),
    ],
)
def test_invalid(answer: Answer, good: bool) -> None:
    assert (not judge_invalid(answer).problem) == good
