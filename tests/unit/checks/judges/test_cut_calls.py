"""Test which calls count as cut by the limit of tokens, and which of them began well."""

from __future__ import annotations

import json
from typing import Any

import pytest
from ansible.module_utils.tgi.checks.judges.cut_calls import find_cut_call, judge_cut_call
from ansible.module_utils.tgi.checks.model.tools import LAMP, WEATHER
from ansible.module_utils.tgi.client.answer import Answer

from tests.support.checks.answers import error, reply, stream, usage
from tests.support.checks.call_replies import called, prose

ASKED = 20


def refused(quoted: str, problem: str = "EOF while parsing a string at line 1 column 8") -> Answer:
    """Return TGI's refusal of a call that it cannot parse; it quotes the text as Rust does."""
    return error(f"Tool error: Failed to parse generated text: {problem} {quoted}")


def pieces(*arguments: str, finish: str | None = None, tokens: int = ASKED) -> Answer:
    """Return a streamed call of set_lamp."""
    events: list[Any] = []
    for at, piece in enumerate(arguments):
        function = {"name": None if at else "set_lamp", "arguments": piece}
        call = {"index": 0, "id": "0", "type": "function", "function": function}
        events.append({"choices": [{"delta": {"tool_calls": [call]}, "finish_reason": None}]})
    if finish:
        events.append({"choices": [{"delta": {}, "finish_reason": finish}]})
    return stream([*events, {"choices": [], "usage": usage(30, tokens)}, "[DONE]"])


def spent(answer: Answer, tokens: int = ASKED) -> Answer:
    return reply({**answer.json(), "usage": usage(30, tokens)})


@pytest.mark.parametrize(
    ("answer", "tool", "hopeful"),
    [
        # Recorded from TGI 3.3.7
        (refused(r'"{ \"funct"'), WEATHER, True),
        (
            refused(r'"{ \"function\"\n: {\"_name\": \"get_weather\", \"city\": \"Z\u{fc}'),
            WEATHER,
            True,
        ),
        (refused('""'), WEATHER, False),
        (refused(r'"{ \"function\": {\"_name\": \"set_lamp\"'), WEATHER, False),
        (refused(r'"{ \"arguments\": '), WEATHER, False),
        (refused('"{' + r"\n" * 90 + '"'), WEATHER, False),
        (refused('"x"', "expected value at line 1 column 1"), WEATHER, None),
        (error("Input validation error: grammar is not supported"), WEATHER, None),
        (called(), WEATHER, None),
        (spent(called('{"city": "Par', finish="length")), WEATHER, True),
        (spent(called('{"city": "Par', finish="length"), 7), WEATHER, False),
        (spent(called('{"town": "Par', finish="length")), WEATHER, False),
        (spent(called('{"city": "Par', "no_such_tool", "length")), WEATHER, False),
        (spent(called({"city": 1}, finish="length")), WEATHER, False),
        (spent(prose('<tool_call>\n{"name": "get_w', "length")), WEATHER, True),
        (spent(prose("<tool_call>", "length")), WEATHER, True),
        (spent(prose('<tool_call>{"name": "other', "length")), WEATHER, False),
        (spent(prose("I cannot tell", "length")), WEATHER, None),
        (spent(prose("<tool_call>")), WEATHER, None),
        (pieces("{", ' "', "state", '": "', "o"), LAMP, True),
        (pieces("{", ' "', "state", '": "', "o", finish="length"), LAMP, True),
        (pieces("{", ' "', "state", '": "', "x"), LAMP, False),
        (pieces("{", ' "', "state", '": "', "o", tokens=7), LAMP, None),
        (pieces('{"state": "on"}'), LAMP, None),
        # TGI keeps the pieces back until it knows the name
        (pieces(), LAMP, True),
        (pieces(tokens=1), LAMP, None),
    ],
)
def test_a_cut_call(answer: Answer, tool: Any, hopeful: bool | None) -> None:
    cut = find_cut_call(answer, [tool], ASKED)
    assert (cut is None) == (hopeful is None), cut
    if cut is not None:
        found = judge_cut_call(answer, cut, ASKED)
        assert found.problem and found.soft == (not cut.problem) == hopeful, found
        assert "checks_without_tools" in found.remedy


def test_every_beginning_of_a_call_of_tgi_is_hopeful() -> None:
    call = {"function": {"_name": "get_weather", "city": "Zoë", "unit": "celsius"}}
    text = json.dumps(call, ensure_ascii=False, indent=2)
    for length in range(1, len(text)):
        quoted = json.dumps(text[:length], ensure_ascii=False)
        cut = find_cut_call(refused(quoted), [WEATHER], ASKED)
        assert cut is not None and not cut.problem, text[:length]
