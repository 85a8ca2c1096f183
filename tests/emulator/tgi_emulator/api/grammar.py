"""What TGI's router refuses as a grammar, in the words of the crates that it asks.

First the draft 2020-12 meta-schema (jsonschema 0.28), then the conversion to a regular expression
(outlines-core), which knows less than JSON Schema has.
"""

from __future__ import annotations

from math import inf
from typing import Any

from ..reading.serde import anything
from ..reading.whole import read_whole
from ..source.text import IGNORED, Constraint
from ..start.args import Args
from .errors import invalid
from .meta_schema import misfit
from .rust_words import debug, dumps
from .wire import Body

_UNSUPPORTED = (
    "Unsupported JSON Schema structure {} \nMake sure it is valid to the JSON Schema specification"
    " and check if it's supported by Outlines.\nIf it should be supported, please open an issue."
)
_KEYWORDS = (
    "properties", "allOf", "anyOf", "oneOf", "prefixItems", "enum", "const", "$ref", "type",
)  # fmt: skip
#: By keyword: what its value must be, else the words; the others take a list.
_SHAPES: dict[str, tuple[type, str]] = {
    "properties": (dict, "'properties' not found or not an object"),
    "const": (object, ""),
    "$ref": (str, "'$ref' must be a string"),
    "type": (str, "'type' must be a string"),
}
_PLAIN_TYPES = ("boolean", "null", "object", "array", "string", "number", "integer")
_FORMATS = ("date-time", "date", "time", "uuid")
#: By type: pairs of bounds, and what each counts from.
_DIGITS = {
    "number": (("DigitsInteger", 1), ("DigitsFraction", 0), ("DigitsExponent", 0)),
    "integer": (("Digits", 1),),
}


class Unfit(Exception):
    """The schema cannot be used; the text says why, in the crate's words."""


def check_grammar(grammar: Body | None, args: Args) -> Constraint | None:
    """TGI's {"type", "value"} to a Constraint; raises InferError."""
    if grammar is None:
        return None
    if args.on("disable_grammar_support"):
        raise invalid("grammar is not supported")
    if grammar["type"] == "ignored":
        return IGNORED
    if grammar["type"] == "regex":
        return Constraint(regex=grammar["value"])
    schema: Any = grammar["value"]
    if grammar["type"] == "json_schema":
        schema = schema["schema"]
    elif isinstance(schema, str):
        try:
            schema = read_whole(schema, anything)
        except ValueError as error:
            raise invalid(f"grammar is not valid: {error}") from None
    elif not isinstance(schema, dict):
        raise invalid("grammar is not supported")
    if problem := misfit(schema):
        raise invalid(f"grammar is not valid: {problem}")
    if not isinstance(schema, dict) or "properties" not in schema:
        raise invalid("grammar is not valid: Grammar must have a 'properties' field")
    try:
        convert(schema, schema)
    except Unfit as error:
        raise invalid(f"cannot compile regex from schema: {error}") from None
    return Constraint(schema=schema)


def convert(schema: Any, root: Body) -> None:
    """Walk the schema as outlines-core does; raise Unfit where it gives up.

    One keyword of an object counts, and what stands beside it is not looked at.
    """
    if not isinstance(schema, dict):
        raise Unfit("Invalid JSON Schema: expected an object")
    keyword = next((one for one in _KEYWORDS if one in schema), None)
    if keyword is None:
        if schema:
            raise Unfit(_UNSUPPORTED.format(dumps(schema)))
        return
    value = schema[keyword]
    _check_shape(keyword, value)
    if keyword == "type":
        _typed(value, schema, root)
    elif keyword == "$ref":
        convert(_referred(value, root), root)
    elif keyword in ("enum", "const"):
        for one in value if keyword == "enum" else [value]:
            if isinstance(one, (dict, list)):
                raise Unfit(f"Unsupported data type in {keyword}: {debug(one)}")
    else:
        for one in value.values() if keyword == "properties" else value:
            convert(one, root)


def _check_shape(keyword: str, value: Any) -> None:
    shape, problem = _SHAPES.get(keyword, (list, f"'{keyword}' must be an array"))
    if not isinstance(value, shape):
        raise Unfit(problem)


def _typed(kind: str, schema: Body, root: Body) -> None:
    if kind not in _PLAIN_TYPES:
        raise Unfit(f"Unsupported type: {kind}")
    if kind == "string":
        _string(schema)
    for name, offset in _DIGITS.get(kind, ()):
        low, high = (_counted(schema.get(f"{end}{name}"), offset) for end in ("min", "max"))
        if low is not None and high is not None and high < low:
            raise Unfit("max bound must be greater than or equal to min bound")
    if kind == "array" and "items" in schema and _counted(schema.get("maxItems"), 0) != 0:
        convert(schema["items"], root)
    if kind == "object" and _counted(schema.get("maxProperties"), 0) != 0:
        others = schema.get("additionalProperties", True)
        if others is not True:
            convert(others, root)


def _string(schema: Body) -> None:
    bounds = [schema[end] for end in ("minLength", "maxLength") if end in schema]
    least, *most = [one if isinstance(one, (int, float)) else -inf for one in bounds] or [0]
    if most and least > most[0]:
        raise Unfit("maxLength must be greater than or equal to minLength")
    named = schema.get("format")
    bound = {"minLength", "maxLength", "pattern"} & schema.keys()
    if not bound and isinstance(named, str) and named not in _FORMATS:
        raise Unfit(f"Format {named} is not supported by Outlines")


def _counted(bound: Any, offset: int) -> int | None:
    """An unsigned whole number, less what is counted apart; any other value is no bound."""
    whole = isinstance(bound, int) and not isinstance(bound, bool) and bound >= 0
    return max(0, bound - offset) if whole else None


def _referred(ref: str, root: Body) -> Any:
    base, *rest = ref.split("#")
    if len(rest) > 1:
        raise Unfit(f"Invalid reference format: {ref}")
    if rest and base and root.get("$id") != base:
        raise Unfit(f"External references are not supported: {ref}")
    node: Any = root
    for part in filter(None, (rest[0] if rest else base).split("/")):
        if isinstance(node, dict) and part in node:
            node = node[part]
        else:
            raise Unfit(f"Invalid reference path: {part}")
    return node
