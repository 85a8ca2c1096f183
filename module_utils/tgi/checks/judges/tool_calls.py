"""Judge function calls, whole and streamed: present, parsed, and valid by the tool's schema."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ...client.answer import Answer
from ...client.http_problem import dig, error_text, http_problem, load
from ...common.text import trim
from ..results import Outcome
from .chat import message_text, no_finish, read_stream
from .http_answer import cut_short, outcome, stream_problems
from .json_schema import schema_problem
from .wrong_form import CUT_STREAM, CUT_STREAM_REMEDY

#: finish_reason of a complete call; TGI sends stop.
FINISH = ("tool_calls", "stop", "eos_token")
_IGNORED_REMEDY = (
    "The engine ignores tools: set a parser that fits the model (vLLM: --enable-auto-tool-choice "
    "--tool-call-parser), or add the model to checks_without_tools"
)
CUT_REMEDY = (
    "The call did not end in time (wrong template, or too small a model for tools): fix the "
    "template, or add the model to checks_without_tools"
)
_GRAMMAR_REMEDY = (
    "Function calls need guided output: remove disable_grammar_support from the model's options, "
    "or add the model to checks_without_tools"
)


def function(name: str, about: str, properties: Mapping[str, Any]) -> dict[str, Any]:
    """Return a tool whose arguments are all required, and no others allowed."""
    schema = {
        "type": "object",
        "properties": dict(properties),
        "required": list(properties),
        "additionalProperties": False,
    }
    return {"type": "function", "function": {
        "name": name, "description": about, "parameters": schema,
    }}  # fmt: skip


@dataclass(frozen=True)
class Call:
    """One call as received; ``arguments`` is its JSON text, or any other value found there."""

    name: Any
    arguments: Any
    kind: Any = "function"


def read_calls(message: Any) -> list[Call]:
    """Return the calls of a whole message."""
    calls = dig(message, "tool_calls")
    return [
        Call(dig(one, "function", "name"), dig(one, "function", "arguments"), dig(one, "type"))
        for one in (calls if isinstance(calls, list) else [])
    ]


def join_calls(items: list[Any]) -> list[Call]:
    """Join the calls of a stream by index: the name from the first delta, arguments from all."""
    names: dict[Any, Any] = {}
    kinds: dict[Any, Any] = {}
    texts: dict[Any, str] = {}
    for item in items:
        deltas = dig(item, "choices", 0, "delta", "tool_calls")
        for delta in deltas if isinstance(deltas, list) else []:
            at = str(dig(delta, "index"))
            names.setdefault(at, dig(delta, "function", "name"))
            kinds.setdefault(at, dig(delta, "type"))
            piece = dig(delta, "function", "arguments")
            texts[at] = texts.get(at, "") + (piece if isinstance(piece, str) else "")
    return [Call(names[at], texts[at], kinds[at]) for at in names]


def call_problems(calls: list[Call], tools: list[dict[str, Any]], text: str) -> list[str]:
    """Return problems of the calls, the cause first. ``text`` came along with them."""
    schemas = {dig(t, "function", "name"): dig(t, "function", "parameters") for t in tools}
    if not calls:
        how = "left as text" if "<tool_call" in text or '"name"' in text else "missing"
        return [f"the forced call is {how}: {trim(text, 60) or 'no text either'}"]
    problems = []
    for call in calls:
        if call.kind != "function":
            problems.append(f"the call's type is {trim(call.kind, 20)}, not function")
        if not isinstance(call.name, str) or call.name not in schemas:
            problems.append(f"{trim(call.name, 40)} was called, not {', '.join(schemas)}")
        else:
            problems += argument_problems(call.arguments, schemas[call.name])
    return problems


def read_arguments(arguments: Any) -> tuple[dict[str, Any], str]:
    """Return the object in a call's arguments (a string of JSON), or what is wrong with them."""
    if not isinstance(arguments, str):
        return {}, f"arguments are a JSON {type(arguments).__name__}, not a string"
    value = load(arguments)
    if value is None:
        return {}, f"arguments are not JSON: {trim(arguments, 60)}"
    if not isinstance(value, dict):
        kind = "string" if isinstance(value, str) else type(value).__name__
        return {}, f"arguments are a JSON {kind}, not an object: {trim(arguments, 60)}"
    return value, ""


def argument_problems(arguments: Any, schema: Mapping[str, Any]) -> list[str]:
    """Check that arguments are a string of JSON with an object that fits the schema."""
    value, problem = read_arguments(arguments)
    if problem:
        return [problem]
    problem = schema_problem(value, schema)
    return [f"arguments do not fit the schema: {problem}"] if problem else []


def call_remedy(problems: list[str]) -> str:
    """Return a remedy for the first problem; empty leaves the check's own remedy."""
    first = problems[0] if problems else ""
    if first.startswith("the forced call is"):
        return _IGNORED_REMEDY
    if CUT_STREAM.match(first):
        return CUT_STREAM_REMEDY
    if "Failed to parse generated text" in first:
        return CUT_REMEDY
    return _GRAMMAR_REMEDY if "grammar is not supported" in first else ""


def judge_calls(answer: Answer, tools: list[dict[str, Any]]) -> Outcome:
    """Check for at least one call of these tools, with arguments that parse and fit the schema."""
    if problem := http_problem(answer):
        return outcome(answer, [problem], "", "", call_remedy([problem]))
    reply = answer.json()
    if dig(reply, "error") is not None:
        return outcome(answer, [f"an error under HTTP 200: {error_text(reply)}"], "")
    choice = dig(reply, "choices", 0)
    message, finish = dig(choice, "message"), dig(choice, "finish_reason")
    calls = read_calls(message)
    problems = call_problems(calls, tools, message_text(message))
    if not problems and finish not in FINISH:
        problems.append(f"finish_reason is {trim(finish, 40)}, not one of {', '.join(FINISH)}")
    return outcome(answer, problems, show(calls), "", call_remedy(problems))


def judge_named(answer: Answer, tools: list[dict[str, Any]]) -> Outcome:
    """Check that the named tool is called; ``tools.stream`` checks the form of the stream."""
    if problem := http_problem(answer):
        return outcome(answer, [problem], "", "", call_remedy([problem]))
    stream = read_stream(answer)
    problems = stream_problems(answer, stream.items)
    if not problems:
        calls = join_calls(stream.items)
        problems = call_problems(calls, tools, stream.text)
        if problems and not stream.finishes and "[DONE]" not in stream.items:
            problems.insert(0, cut_short(answer, len(stream.items), "an ending"))
    return outcome(answer, problems, show(join_calls(stream.items)), "", call_remedy(problems))


def judge_call_stream(
    answer: Answer, tools: list[dict[str, Any]], done: bool = True, finishes: bool = True
) -> Outcome:
    """Check that the deltas of a forced call join to a valid call and that the stream ends well.

    Only the joined text is parsed: TGI cuts it anywhere. ``done``: the engine ends a stream with
    [DONE]. ``finishes``: the stream of a call has a finish_reason.
    """
    if problem := http_problem(answer):
        return outcome(answer, [problem], "", "", call_remedy([problem]))
    stream = read_stream(answer)
    items, calls = stream.items, join_calls(stream.items)
    problems = stream_problems(answer, items)
    ended = items[-1:] == ["[DONE]"] if done else bool(stream.finishes)
    if done and not ended:
        problems.append(cut_short(answer, len(items), "[DONE]"))
    elif (finishes or not done) and not stream.finishes:
        problems.append(no_finish(answer, items))
    if stream.parsed.trailing:
        problems.append("the stream ended in the middle of an event")
    if any(item is None for item in items):
        problems.append("an event is not JSON")
    if not problems:
        problems += call_problems(calls, tools, stream.text)
    last = stream.parsed.events[-1].data if stream.parsed.events else ""
    evidence = f"{len(items)} events, last: {trim(last, 200)}"
    return outcome(answer, problems, show(calls), evidence, call_remedy(problems))


def show(calls: list[Call]) -> str:
    """Return the calls in one line."""
    return trim("; ".join(f"{call.name}({call.arguments})" for call in calls), 90)
