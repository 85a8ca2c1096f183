"""Fault `tool-args`: a call comes, and its arguments are not what the tool can take."""

from __future__ import annotations

from typing import Any

from jsonschema import Draft202012Validator
from jsonschema.exceptions import SchemaError

from ..api.rust_words import dumps
from ..api.wire import Body

_WRONG: tuple[Any, ...] = (False, "wrong", 0, None)


def spoil(arguments: str, how: str | None) -> str:
    """Arguments of a whole answer: Python's notation, or JSON inside a JSON string."""
    return "".join((begin(arguments[:1], how), go_on(arguments[1:], how), end(how)))


def begin(text: str, how: str | None) -> str:
    """The first fragment of a streamed call, which is the opening brace."""
    return {"not-json": f"arguments={text}", "string": f'"{text}'}.get(how or "", text)


def go_on(text: str, how: str | None) -> str:
    """A fragment after the first."""
    if how == "not-json":
        return text.replace('"', "'")
    return dumps(text)[1:-1] if how == "string" else text


def end(how: str | None) -> str:
    """Return the text after the last fragment."""
    return '"' if how == "string" else ""


def misguide(tools: list[Body]) -> list[Body]:
    """The same tools with schemas that ask for values which the real ones forbid."""
    return [
        {**tool, "function": {**tool["function"], "arguments": _against(tool["function"])}}
        for tool in tools
    ]


def _against(function: Body) -> Body:
    arguments = function["arguments"] if isinstance(function["arguments"], dict) else {}
    wrong = {
        name: {"const": next((value for value in _WRONG if not _fits(value, schema)), None)}
        for name, schema in arguments.get("properties", {}).items()
    }
    wrong = wrong or {"unasked": {"const": True}}
    return {"type": "object", "properties": wrong, "required": list(wrong)}


def _fits(value: Any, schema: Any) -> bool:
    try:
        return bool(Draft202012Validator(schema).is_valid(value))
    except SchemaError:
        return True
