"""Test the requests of guided output."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import Any

import pytest
from ansible.module_utils.tgi.checks.model.guided import judge_regex, regex_fields, schema_fields
from ansible.module_utils.tgi.checks.run import Options, check

from tests.support.checks.answers import chat_reply
from tests.support.fakes.spoilt_tgi import SpoiltTgi
from tests.support.in_memory_tgi import MODEL


@pytest.mark.parametrize(
    ("text", "good"), [("kfdzqw-123", True), ("kfdzqw-12", False), ("Sure: kfdzqw-123", False)]
)
def test_regex(text: str, good: bool) -> None:
    assert (not judge_regex(chat_reply(text), "kfdzqw").problem) == good


def test_each_engine_is_asked_in_its_own_words() -> None:
    schema = {"type": "object", "properties": {}}
    assert schema_fields("value", schema)["response_format"] == {"type": "json", "value": schema}
    openai = schema_fields("json_schema", schema)["response_format"]
    assert openai["json_schema"]["schema"] == schema
    assert regex_fields("vllm", "x")["structured_outputs"] == {"regex": "x-[0-9]{3}"}
    assert regex_fields("llamacpp", "x")["grammar"].startswith("root ::= ")


def run(model: Any, *select: str, faults: tuple[str, ...] = (), **engine: Any) -> Any:
    fake = SpoiltTgi(*faults, **engine)
    return asyncio.run(
        check(Options("direct", "x", [model], select=select, transport=fake.transport()))
    )


@pytest.mark.parametrize("name", ["json.const", "json.truncated", "json.nested", "json.stream"])
def test_one_check_alone_asks_for_what_it_needs(name: str) -> None:
    report = run(MODEL, name)
    assert report.passed and [one.id for one in report.checks] == ["selftest", name]


def test_a_base_model_is_asked_by_the_native_route() -> None:
    assert run(replace(MODEL, chat=False), "json", faults=("no-chat-template",)).passed


def test_a_stream_that_breaks_does_not_hide_a_nested_schema_that_works() -> None:
    report = run(MODEL, "json", faults=("stream-cut",))
    assert {one.id: one.attempts for one in report.checks}["json.nested"] == 2
    assert [one.id for one in report.of("warn")] == ["json.stream"] and report.passed


GUIDED = ("json.const", "json.truncated", "json.nested", "json.stream")
CALLS = ("tools.forced", "tools.named", "tools.stream")


@pytest.mark.parametrize("chat", [True, False])
def test_white_space_between_tokens_is_asked_for_again_with_more_room(chat: bool) -> None:
    report = run(replace(MODEL, chat=chat), *GUIDED, *CALLS[: 3 * chat], faults=("json-spaces",))
    assert {one.status for one in report.checks} == {"pass"}, report.message()
    assert {one.attempts for one in report.checks[1:]} == {2}


def test_a_context_too_small_for_more_room_warns() -> None:
    small = replace(MODEL, max_input_tokens=220, max_total_tokens=256)
    report = run(small, *GUIDED, *CALLS, "tools.prompt", faults=("json-spaces=63",),
                 limits=(220, 256))  # fmt: skip
    assert {one.id for one in report.of("warn")} == {*GUIDED, *CALLS, "tools.prompt"}
    assert report.passed and not report.of("fail")
    (nested,) = [one for one in report.checks if one.id == "json.nested"]
    assert "tokens did not suffice" in nested.observed and nested.attempts == 2


def test_json_that_the_engine_itself_cuts_is_red() -> None:
    report = run(MODEL, *GUIDED, faults=("json-cut",))
    assert {one.id for one in report.of("fail")} == {*GUIDED} - {"json.stream"}
    assert " of 512 tokens" in report.of("fail")[0].observed
