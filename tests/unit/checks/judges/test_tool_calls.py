"""Test judges of function calls with tables of good and bad answers."""

from __future__ import annotations

import json
from typing import Any

import pytest
from ansible.module_utils.tgi.checks.judges import tool_calls
from ansible.module_utils.tgi.checks.model import tools
from ansible.module_utils.tgi.client.answer import Answer

from tests.support.checks.answers import reply
from tests.support.checks.call_replies import CUT, GOOD, called, prose

SSE = {"content-type": "text/event-stream"}
NO_GRAMMAR = reply(
    {"error": "Input validation error: grammar is not supported", "error_type": "validation"}, 422
)


@pytest.mark.parametrize(
    ("answer", "problem", "remedy"),
    [
        (called(), "", ""),
        (called(finish="tool_calls"), "", ""),
        (called(finish="abort"), "finish_reason is abort", ""),
        (called("{"), "arguments are not JSON", ""),
        # From vLLM 0.32 with a small model: JSON, but a string
        (called('"\\"gaben_gaben\\""'), "arguments are a JSON string, not an object", ""),
        (called("[1]"), "arguments are a JSON list", ""),
        (called({"city": "Paris"}), "arguments are a JSON dict, not a string", ""),
        (called('{"city":"Paris"}'), "'unit' is a required property", ""),
        (called('{"city":7,"unit":"celsius"}'), "city: 7 is not of type", ""),
        (called('{"city":"Paris","unit":"kelvin"}'), "unit: 'kelvin' is not one of", ""),
        (called('{"city":"a","unit":"celsius","x":1}'), "Additional properties", ""),
        (called(name="no_such_tool"), "no_such_tool was called, not get_weather", ""),
        (called(name=None), "None was called", ""),
        (called(kind="code"), "type is code", ""),
        # llama.cpp and transformers serve, with 200
        (prose("I cannot tell the weather."), "forced call is missing", "ignores tools"),
        (prose('<tool_call>{"name": "get_w'), "left as text", "ignores tools"),
        (prose(""), "no text either", "ignores tools"),
        (CUT, "HTTP 422", "did not end in time"),
        (NO_GRAMMAR, "HTTP 422", "disable_grammar_support"),
        (reply({"error": {"message": "out of memory"}}), "an error under HTTP 200", ""),
        (Answer(0, {}, [], "connection refused"), "refused", ""),
    ],
)
def test_call(answer: Answer, problem: str, remedy: str) -> None:
    found = tool_calls.judge_calls(answer, [tools.WEATHER])
    assert problem in found.problem and bool(found.problem) == bool(problem)
    assert remedy in found.remedy


def delta(arguments: str, name: str | None = None, index: int = 0, **more: Any) -> dict[str, Any]:
    call = {"function": {"arguments": arguments, "name": name}, "id": "0", "index": index}
    call["type"] = "function"
    choice = {"delta": {"content": None, "role": "assistant", "tool_calls": [call]}, "index": 0}
    return {"choices": [{**choice, "finish_reason": None, **more}]}


# As TGI 3.1 (chat_stream_tools): a brace first, the name once, no finish_reason at the end
TGI = [delta("{", "set_lamp"), delta(' "'), delta("state"), delta('": "'), delta("on"),
       delta('"}')]  # fmt: skip
END: dict[str, Any] = {"choices": [{"index": 0, "delta": {}, "finish_reason": "tool_calls"}]}
TEXT: dict[str, Any] = {"choices": [{"index": 0, "delta": {"content": "Hello."}}]}
ERROR = {"error": {"message": "CUDA error", "http_status_code": 422}}


def stream(*events: Any, fault: str = "", tail: str = "") -> Answer:
    lines = [f"data: {one if isinstance(one, str) else json.dumps(one)}\n\n" for one in events]
    return Answer(200, SSE, [(0.0, ("".join(lines) + tail).encode())], fault)


TWO = [delta('{"state":', "set_lamp"), delta('{"state":', "set_lamp", 1), delta('"on"}'),
       delta('"off"}', None, 1)]  # fmt: skip


@pytest.mark.parametrize(
    ("answer", "finishes", "problem"),
    [
        (stream(*TGI, "[DONE]"), False, ""),
        (stream(*TGI, END, "[DONE]"), True, ""),
        (stream(*TWO, "[DONE]"), False, ""),
        (stream(*TGI, "[DONE]"), True, "finish_reason never came"),
        (stream(*TGI), False, "cut short"),
        (stream(*TGI, "[DONE]", tail="data: {"), False, "middle of an event"),
        (stream(*TGI, "{", "[DONE]"), False, "is not JSON"),
        (stream(*TGI, "[DONE]", fault="connection closed"), False, "connection closed"),
        (stream(*TGI[:4], "[DONE]"), False, "arguments are not JSON"),
        (stream(*TGI[:3], ERROR, "[DONE]"), False, "CUDA error"),
        (stream(TEXT, "[DONE]"), False, "forced call is missing: Hello."),
        (stream(delta('{"state":"on"}'), "[DONE]"), False, "None was called"),
        (stream(delta('{"state":"blue"}', "set_lamp"), "[DONE]"), False, "is not one of"),
        (reply({"choices": []}), False, "content-type"),
        (CUT, False, "HTTP 422"),
    ],
)
def test_call_stream(answer: Answer, finishes: bool, problem: str) -> None:
    found = tool_calls.judge_call_stream(answer, [tools.LAMP], finishes=finishes).problem
    assert problem in found and bool(found) == bool(problem)


@pytest.mark.parametrize(
    ("answer", "problem"),
    [
        # This judge checks the call, another one the end of its stream
        (stream(*TGI), ""),
        (stream(delta(GOOD, "get_weather"), "[DONE]"), "get_weather was called, not set_lamp"),
        (stream(TEXT, "[DONE]"), "forced call is missing"),
        (stream(ERROR, "[DONE]"), "CUDA error"),
    ],
)
def test_named(answer: Answer, problem: str) -> None:
    found = tool_calls.judge_named(answer, [tools.LAMP]).problem
    assert problem in found and bool(found) == bool(problem)
