"""Tool calls by grammar, as TGI does them (router/src/infer/tool_grammar.rs, chat.rs)."""

from __future__ import annotations

from typing import Any

from ..api.errors import InferError
from ..api.rust_words import dumps, quoted
from ..api.wire import Body
from ..reading.fault import Fault
from ..reading.serde import REQUIRED, Source, anything, struct, text
from ..reading.whole import read_whole

NO_TOOL = "no_tool"
PROMPT = (
    "\nGiven the functions available, please respond with a JSON for a function call with its"
    " proper arguments that best answers the given prompt. Respond in the format {name: function"
    " name, parameters: dictionary of argument name and its value}.Do not use variables.\n"
)


def choose(tools: list[Body], choice: str) -> list[Body]:
    """The tools the model may call; empty when it must not call any. Raises InferError."""
    if choice == "none":
        return []
    if choice.startswith("="):
        named = [tool for tool in tools if tool["function"]["name"] == choice[1:]]
        if not named:
            raise InferError("tool_error", f"Tool with name {choice[1:]} not found")
        return named[:1]
    if choice == "required":
        return tools
    no_tool = {
        "description": "Open ended response with no specific tool selected",
        "name": NO_TOOL,
        "arguments": {"type": "object"},
    }
    return [*tools, {"type": "function", "function": no_tool}]


def schema_for(tools: list[Body]) -> dict[str, Any]:
    """One object `function` that is any of the tools, told apart by a constant `_name`."""
    functions: dict[str, Any] = {}
    for tool in tools:
        function = tool["function"]
        arguments = function["arguments"] if isinstance(function["arguments"], dict) else {}
        name = {"_name": {"type": "string", "const": function["name"]}}
        functions[function["name"]] = {
            "type": "object",
            "description": function.get("description") or "",
            "additionalProperties": arguments.get("additionalProperties") == "true",
            "properties": {**name, **_kept(arguments, "properties", {})},
            "required": ["_name", *_kept(arguments, "required", [])],
        }
    refs = [{"$ref": f"#/$functions/{name}"} for name in functions]
    return {"$functions": functions, "properties": {"function": {"anyOf": refs}}}


def _kept(arguments: Body, key: str, default: Any) -> Any:
    """TGI overlooks what is of another type."""
    found = arguments.get(key)
    return found if isinstance(found, type(default)) else default


def described(tools: list[Body], prompt: str) -> str:
    """What TGI writes of the tools where the chat template cannot."""
    shown = [
        {**tool, "function": {**function, "arguments": dumps(function["arguments"])}}
        for tool in tools
        if (function := tool["function"])
    ]
    return f"\n---\n{dumps(shown)}\n{prompt or PROMPT}"


def settled(schema: dict[str, Any], turns: list[tuple[str, str]]) -> dict[str, Any]:
    """The schema for text sources: once a tool has answered, no other call is made unforced."""
    functions = schema.get("$functions", {})
    if NO_TOOL not in functions or not turns or turns[-1][0] != "tool":
        return schema
    only = {"function": {"anyOf": [{"$ref": f"#/$functions/{NO_TOOL}"}]}}
    return {"$functions": {NO_TOOL: functions[NO_TOOL]}, "properties": only}


def _named_call(source: Source) -> tuple[str, Body]:
    """Rust's ToolCall: `_name`, and the rest as arguments."""
    arguments: Body = {}
    name: str | None = None
    with source.mapping("struct ToolCall") as entries:
        for key in entries:
            value = entries.value(key)
            if key != "_name":
                arguments[key] = anything(value)
            elif name is not None:
                raise Fault("duplicate field `_name`")
            else:
                name = text(value)
        if name is None:
            raise Fault("missing field `_name`")
    return name, arguments


_CALL = struct("Call", {"function": (_named_call, REQUIRED)})


def read_call(generated: str) -> tuple[str, Body] | None:
    """(name, arguments) when the text is a whole call, else None."""
    try:
        call: tuple[str, Body] = read_whole(generated, _CALL)["function"]
    except ValueError:
        return None
    return call


def parse_output(generated: str) -> tuple[str, Body]:
    """As read_call, but raises TGI's tool_error; its usual cause is too small a max_tokens."""
    try:
        call: tuple[str, Body] = read_whole(generated, _CALL)["function"]
    except ValueError as error:
        said = f"Failed to parse generated text: {error} {quoted(generated)}"
        raise InferError("tool_error", said) from None
    return call
