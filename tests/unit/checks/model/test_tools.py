"""Function calls, by tables of good and bad answers; TGI's captured forms are among the good."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest
from ansible.module_utils.tgi.checks.cli import main
from ansible.module_utils.tgi.checks.judges import json_schema, tool_calls
from ansible.module_utils.tgi.checks.judges.json_schema import schema_problem
from ansible.module_utils.tgi.checks.model import tools
from ansible.module_utils.tgi.checks.results import Report
from ansible.module_utils.tgi.checks.run import Options, check
from ansible.module_utils.tgi.checks.selection import Model, lacking
from ansible.module_utils.tgi.client.answer import Answer

from tests.support.fakes.talk import usage
from tests.support.fakes.tgi import MODEL, FakeTgi

GOOD = '{"city":"Brooklyn, NY","unit":"fahrenheit"}'
SSE = {"content-type": "text/event-stream"}


def reply(value: Any, status: int = 200) -> Answer:
    return Answer(status, {}, [(0.0, json.dumps(value).encode())])


def called(
    arguments: Any = GOOD, name: Any = "get_weather", finish: Any = "stop", kind: str = "function"
) -> Answer:
    """As TGI 3.1 with Llama 3.1 (integration-tests, chat_nonstream_tools): no content, "stop"."""
    function = {"arguments": arguments, "description": None, "name": name}
    call = {"function": function, "id": "0", "type": kind}
    message = {"content": None, "role": "assistant", "tool_calls": [call]}
    choice = {"finish_reason": finish, "index": 0, "logprobs": None, "message": message}
    return reply({"choices": [choice], "object": "chat.completion", "usage": usage(501, 29)})


def prose(text: str, finish: str = "stop", status: int = 200) -> Answer:
    choice = {"finish_reason": finish, "message": {"role": "assistant", "content": text}}
    return reply({"choices": [choice], "usage": usage(120, 9)}, status)


CUT = reply(
    {"error": 'Tool error: Failed to parse generated text: EOF "{"', "error_type": "tool_error"},
    422,
)
NO_GRAMMAR = reply(
    {"error": "Input validation error: grammar is not supported", "error_type": "validation"}, 422
)


@pytest.mark.parametrize(
    ("answer", "problem", "remedy"),
    [
        (called(), "", ""),
        (called(finish="tool_calls"), "", ""),
        (called(finish="length"), "cut by max_tokens", "did not end in time"),
        (called(finish="abort"), "finish_reason is abort", ""),
        (called("{"), "arguments are no JSON", ""),
        # Seen of vLLM 0.32 with a small model: JSON, but a string
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
        (prose("I cannot tell the weather."), "forced call is missing", "passes tools over"),
        (prose('<tool_call>{"name": "get_w'), "left as text", "passes tools over"),
        (prose('<tool_call>{"name": "get_w', "length"), "cut by max_tokens", "did not end"),
        (prose(""), "no text either", "passes tools over"),
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
LONG: dict[str, Any] = {"choices": [{"index": 0, "delta": {}, "finish_reason": "length"}]}
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
        (stream(*TGI, "[DONE]"), True, "cut short"),
        (stream(*TGI), False, "cut short"),
        (stream(*TGI, "[DONE]", tail="data: {"), False, "middle of an event"),
        (stream(*TGI, "{", "[DONE]"), False, "holds no JSON"),
        (stream(*TGI, "[DONE]", fault="connection closed"), False, "connection closed"),
        (stream(*TGI[:4], "[DONE]"), False, "arguments are no JSON"),
        (stream(*TGI[:3], ERROR, "[DONE]"), False, "CUDA error"),
        (stream(*TGI, LONG, "[DONE]"), False, "cut by max_tokens"),
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
        # The call is judged here, the ending of its stream elsewhere
        (stream(*TGI), ""),
        (stream(delta(GOOD, "get_weather"), "[DONE]"), "get_weather was called, not set_lamp"),
        (stream(TEXT, "[DONE]"), "forced call is missing"),
        (stream(ERROR, "[DONE]"), "CUDA error"),
    ],
)
def test_named(answer: Answer, problem: str) -> None:
    found = tool_calls.judge_named(answer, [tools.LAMP]).problem
    assert problem in found and bool(found) == bool(problem)


def prompted(count: Any) -> Answer:
    return reply({"usage": {"prompt_tokens": count}})


@pytest.mark.parametrize(
    ("without", "told", "problem"),
    [
        (prompted(16), prompted(133), ""),
        (prompted(16), prompted(16), "16 tokens with tools, 16 without"),
        (prompted(None), prompted(16), "no prompt_tokens"),
        (prompted(16), CUT, "nothing to compare"),
    ],
)
def test_prompt(without: Answer, told: Answer, problem: str) -> None:
    found = tools.judge_prompt(without, told).problem
    assert problem in found and bool(found) == bool(problem)


@pytest.mark.parametrize(
    ("answer", "problem", "soft"),
    [
        (prose("Your order number is 7341."), "", False),
        (prose("It is 7,341, as you know."), "", False),
        (prose("I will look it up."), "does not hold", True),
        (prose("It is 734."), "does not hold", True),
        (prose(""), "got no answer", False),
        (called(), "got no answer", False),
        (prose("", status=500), "HTTP 500", False),
    ],
)
def test_roundtrip(answer: Answer, problem: str, soft: bool) -> None:
    found = tools.judge_roundtrip(answer, "7341")
    assert problem in found.problem and bool(found.problem) == bool(problem)
    assert found.soft is soft


@pytest.mark.parametrize(
    ("answer", "problem"),
    [(prose("Hello."), ""), (called(), "a greeting called get_weather"), (prose(""), "is empty"),
     (CUT, "HTTP 422")],
)  # fmt: skip
def test_irrelevant(answer: Answer, problem: str) -> None:
    found = tools.judge_irrelevant(answer).problem
    assert problem in found and bool(found) == bool(problem)


CLASH = "Tool error: Grammar and tools are mutually exclusive"


@pytest.mark.parametrize(
    ("answer", "problem"),
    [
        (reply({"error": CLASH, "error_type": "tool_error"}, 422), ""),
        (reply({"error": "Input validation error"}, 422), "without a word"),
        (prose("{}"), "HTTP 200"),
        (reply({"error": "panic"}, 500), "HTTP 500"),
    ],
)
def test_clash(answer: Answer, problem: str) -> None:
    found = tools.judge_clash(answer).problem
    assert problem in found and bool(found) == bool(problem)


def test_the_schema_says_where() -> None:
    schema = {"type": "object", "properties": {"a": {"items": {"type": "integer"}}}}
    assert schema_problem({"a": [1, 2]}, schema) == ""
    assert schema_problem({"a": [1, "x"]}, schema).startswith("a/1: 'x' is not of type")
    assert schema_problem([], schema).startswith("[] is not of type")


def test_the_command_names_a_missing_library(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(json_schema, "JSONSCHEMA_ERROR", "No module named 'jsonschema'")
    assert main.main(["http://127.0.0.1:8081"]) == main.USELESS
    assert "python3-jsonschema" in capsys.readouterr().err


def run(fake: FakeTgi, *select: str) -> Report:
    options = Options("direct", "gpu1", [MODEL], select=select, transport=fake.transport())
    return asyncio.run(check(options))


CALLS = {"tools.forced", "tools.named", "tools.stream"}


@pytest.mark.parametrize(
    ("fault", "red", "warned"),
    [
        ("tools-ignored", CALLS, set()),
        ("other-tool", CALLS, set()),
        ("args-no-json", CALLS, set()),
        ("args-string", CALLS, set()),
        ("args-off-schema", CALLS, set()),
        ("calls-cut", {"tools.forced"}, set()),
        ("tools-dropped", {"tools.prompt"}, set()),
        ("forgetful", set(), {"tools.roundtrip"}),
        ("no-clash", set(), {"tools.grammar_clash"}),
        # Only asked for by name
        ("eager", set(), set()),
    ],
)
def test_each_fault_turns_its_own_checks(fault: str, red: set[str], warned: set[str]) -> None:
    report = run(FakeTgi(fault))
    assert {one.id for one in report.of("fail", "error")} == red
    assert {one.id for one in report.of("warn")} == warned


@pytest.mark.parametrize("id", [spec.id for spec in tools.SPECS])
def test_each_check_stands_alone(id: str) -> None:
    assert run(FakeTgi(), id).passed
    assert not run(FakeTgi("no-template"), id).of("pass")[1:]


def test_a_call_nobody_asked_for_warns() -> None:
    report = run(FakeTgi("eager"), "tools.irrelevant")
    assert report.passed and [one.id for one in report.of("warn")] == ["tools.irrelevant"]


def test_a_model_without_tools_is_left_alone() -> None:
    plain = Model("plain", "acme/plain", tools=False)
    assert all("checks_without_tools" in lacking(spec, plain) for spec in tools.SPECS)
    base = Model("base", "acme/base", chat=False)
    assert all("checks_without_chat" in lacking(spec, base) for spec in tools.SPECS)
    other = Model("other", "acme/other", engine="vllm")
    left_out = [spec.id for spec in tools.SPECS if lacking(spec, other)]
    assert left_out == ["tools.grammar_clash"]
