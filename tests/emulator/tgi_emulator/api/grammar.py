"""What TGI's router refuses as a grammar, in the words of the crates that it asks.

First the draft 2020-12 meta-schema (jsonschema 0.28), then the conversion to a regular expression
(outlines-core), which knows less than JSON Schema has.
"""

from __future__ import annotations

from math import inf
from typing import Any

from ..reading.serde import anything
from ..reading.whole import read_whole
from ..source.text import IGNORED, Constraint, TextError
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
#: What may stand beside `type`. TGI takes no notice of the four of numbers, but they do no harm.
_BOUNDS: dict[str, Any] = {
    "minLength": int, "maxLength": int, "pattern": str, "minItems": int, "maxItems": int,
    "maxProperties": int, "minimum": (int, float), "maximum": (int, float),
    "exclusiveMinimum": (int, float), "exclusiveMaximum": (int, float),
}  # fmt: skip


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
        return Constraint(schema=_constrained(schema))
    except Unfit as error:
        raise invalid(f"cannot compile regex from schema: {error}") from None
    except RecursionError:
        raise TextError("Schema is nested too deeply") from None


def _constrained(schema: Body) -> Body:
    """What counts of a schema; one that the router made for tools keeps them by name."""
    kept = convert(schema, schema)
    functions = schema.get("$functions")
    if not isinstance(functions, dict):
        return kept
    named = {name: convert(one, schema) for name, one in functions.items()}
    return {"$functions": named, "properties": schema["properties"]}


def convert(schema: Any, root: Body) -> Body:
    """Return what outlines-core makes use of, references filled in; raise Unfit where it gives up.

    One keyword of an object counts, and what stands beside it is not looked at.
    """
    if not isinstance(schema, dict):
        raise Unfit("Invalid JSON Schema: expected an object")
    keyword = next((one for one in _KEYWORDS if one in schema), None)
    if keyword is None:
        if schema:
            raise Unfit(_UNSUPPORTED.format(dumps(schema)))
        return {}
    value = schema[keyword]
    _check_shape(keyword, value)
    if keyword == "type":
        return _typed(value, schema, root)
    if keyword == "$ref":
        return convert(_referred(value, root), root)
    if keyword in ("enum", "const"):
        for one in value if keyword == "enum" else [value]:
            if isinstance(one, (dict, list)):
                raise Unfit(f"Unsupported data type in {keyword}: {debug(one)}")
        return {keyword: value}
    if keyword == "properties":
        kept = {"properties": {name: convert(one, root) for name, one in value.items()}}
        return kept | {k: schema[k] for k in ("required",) if isinstance(schema.get(k), list)}
    return {keyword: [convert(one, root) for one in value]}


def _check_shape(keyword: str, value: Any) -> None:
    shape, problem = _SHAPES.get(keyword, (list, f"'{keyword}' must be an array"))
    if not isinstance(value, shape):
        raise Unfit(problem)


def _typed(kind: str, schema: Body, root: Body) -> Body:
    if kind not in _PLAIN_TYPES:
        raise Unfit(f"Unsupported type: {kind}")
    if kind == "string":
        _string(schema)
    for name, offset in _DIGITS.get(kind, ()):
        low, high = (_counted(schema.get(f"{end}{name}"), offset) for end in ("min", "max"))
        if low is not None and high is not None and high < low:
            raise Unfit("max bound must be greater than or equal to min bound")
    kept = {key: schema[key] for key, type_ in _BOUNDS.items() if _is(schema.get(key), type_)}
    if kind == "array" and "items" in schema and kept.get("maxItems") != 0:
        kept["items"] = convert(schema["items"], root)
    if kind == "object" and kept.get("maxProperties") != 0:
        others = schema.get("additionalProperties", True)
        if others is not True:
            convert(others, root)
    return {"type": kind, **kept}


def _is(value: Any, kind: Any) -> bool:
    """A bound of another type is overlooked, and so is one below zero where things are counted."""
    fits = isinstance(value, kind) and not isinstance(value, bool)
    return fits and not (kind is int and value < 0)


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
    return max(0, bound - offset) if _is(bound, int) else None


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
