"""The smallest sensible value for a JSON schema or a regular expression, without a model."""

from __future__ import annotations

import json
import re
from re import _constants as sre  # type: ignore[attr-defined]
from typing import Any

from .patterns import parsed
from .text import TextError


def fill(schema: dict[str, Any], hint: str) -> str:
    """JSON text that fulfils the schema; strings are taken from `hint` where it fits."""
    functions = schema.get("$functions")
    try:
        if isinstance(functions, dict):
            return json.dumps({"function": _call(functions, hint, schema)}, ensure_ascii=False)
        return json.dumps(_value(schema, hint, schema, ""), ensure_ascii=False)
    except RecursionError:
        raise TextError("Schema is nested too deeply") from None


def _call(functions: dict[str, Any], hint: str, root: dict[str, Any]) -> Any:
    """The function whose name or description shares most words with the question."""
    asked = set(re.findall(r"[a-z]{3,}", hint.lower()))

    def score(name: str) -> int:
        about = f"{name} {functions[name].get('description', '')}".lower()
        return len(asked & set(re.findall(r"[a-z]{3,}", about)))

    real = [name for name in functions if name != "no_tool"]
    best = max(real, key=score, default="no_tool")
    if "no_tool" in functions and (best == "no_tool" or score(best) == 0):
        best = "no_tool"
    return _value(functions[best], hint, root, "")


def _value(schema: Any, hint: str, root: dict[str, Any], name: str) -> Any:
    if not isinstance(schema, dict):
        return {}
    if "$ref" in schema:
        return _value(resolve(schema["$ref"], root), hint, root, name)
    if "const" in schema:
        return schema["const"]
    if schema.get("enum"):
        return schema["enum"][0]
    for key in ("anyOf", "oneOf", "allOf"):
        if schema.get(key):
            return _value(schema[key][0], hint, root, name)
    if "prefixItems" in schema:
        return [_value(one, hint, root, name) for one in schema["prefixItems"]]
    kind = schema.get("type", "object" if "properties" in schema else "string")
    kind = kind[0] if isinstance(kind, list) else kind
    if kind == "object":
        properties = schema.get("properties", {})
        return {key: _value(inner, hint, root, key) for key, inner in properties.items()}
    if kind == "array":
        items = schema.get("items", {"type": "string"})
        count = max(1, int(schema.get("minItems", 1)))
        return [_value(items, hint, root, name) for _ in range(count)]
    if kind in ("integer", "number"):
        return _number(schema, hint)
    return {"boolean": True, "null": None}.get(kind, _string(schema, hint, name))


def _number(schema: dict[str, Any], hint: str) -> int | float:
    low = schema.get("minimum", schema.get("exclusiveMinimum"))
    high = schema.get("maximum", schema.get("exclusiveMaximum"))
    said = re.search(r"-?\d+", hint)
    value = int(said.group()) if said else 1
    if low is not None and value <= low:
        value = int(low) + ("exclusiveMinimum" in schema)
    if high is not None and value >= high:
        value = int(high) - ("exclusiveMaximum" in schema)
    return value


def _string(schema: dict[str, Any], hint: str, name: str) -> str:
    if "pattern" in schema:
        return match_for(inner_pattern(schema["pattern"]))
    names = re.findall(r"(?<!^)(?<![.?!] )\b[A-Z][\w-]+", hint)
    text = str(names[-1]) if names else name or "text"
    text = text.ljust(int(schema.get("minLength", 0)), "x")
    return text[: int(schema["maxLength"])] if "maxLength" in schema else text


def resolve(ref: str, root: dict[str, Any]) -> Any:
    """A local `#/a/b` reference; TextError if there is nothing."""
    node: Any = root
    for part in filter(None, ref.removeprefix("#").split("/")):
        if not isinstance(node, dict) or part not in node:
            raise TextError(f"Unresolvable reference {ref}")
        node = node[part]
    return node


def inner_pattern(pattern: str) -> str:
    """Take anchors off that stand at both ends, as outlines-core does."""
    whole = pattern.startswith("^") and pattern.endswith("$")
    return pattern[1:-1] if whole else pattern


def match_for(pattern: str) -> str:
    """A short text that the regular expression matches in full; TextError if it is invalid."""
    return _match(parsed(pattern))


def _match(tree: Any) -> str:
    out = ""
    for op, arg in tree:
        if op is sre.LITERAL:
            out += chr(arg)
        elif op is sre.ANY or op is sre.NOT_LITERAL:
            out += "a" if arg != ord("a") else "b"
        elif op is sre.IN:
            out += _one_of(arg)
        elif op in (sre.MAX_REPEAT, sre.MIN_REPEAT):
            low, high, inner = arg
            out += _match(inner) * max(low, min(1, high))
        elif op is sre.SUBPATTERN:
            out += _match(arg[3])
        elif op is sre.BRANCH:
            out += _match(arg[1][0])
    return out


def _one_of(options: Any) -> str:
    op, arg = options[0]
    if op is sre.LITERAL:
        return chr(arg)
    if op is sre.RANGE:
        return chr(arg[0])
    if op is sre.CATEGORY:
        return {"DIGIT": "1", "SPACE": " "}.get(str(arg).removeprefix("CATEGORY_"), "a")
    banned = [_codes(op, arg) for op, arg in options[1:]]
    return next(c for c in "abcxyz0123 " if not any(ord(c) in codes for codes in banned))


def _codes(op: Any, arg: Any) -> range:
    """The characters of a literal or a range; none of a category, which the letters are not in."""
    if op is sre.LITERAL:
        return range(arg, arg + 1)
    return range(arg[0], arg[1] + 1) if op is sre.RANGE else range(0)
