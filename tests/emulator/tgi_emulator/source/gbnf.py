"""JSON schemas and regular expressions as llama.cpp grammars (GBNF), as TGI's outlines does it.

Properties come in the schema's order with at most one blank between tokens. Strings, numbers and
arrays are bounded, which TGI does not do: a 135M model would else not find the end.
"""

from __future__ import annotations

import json
from re import _constants as sre  # type: ignore[attr-defined]
from typing import Any

from .patterns import parsed
from .schema_fill import inner_pattern, resolve
from .text import TextError

_COMMON = r"""
ws ::= " "?
string ::= "\"" char{0,48} "\""
char ::= [^"\\\x00-\x1F] | "\\" ["\\nt]
integer ::= "-"? ("0" | [1-9] [0-9]{0,8})
number ::= integer ("." [0-9]{1,6})?
boolean ::= "true" | "false"
null ::= "null"
value ::= string | number | boolean | null
"""


def of_schema(schema: dict[str, Any]) -> str:
    """Grammar text; raises TextError for a schema that cannot be expressed."""
    return f"root ::= {_rule(schema, schema, 0)}\n{_COMMON}"


def of_regex(pattern: str) -> str:
    """Grammar text; raises TextError for a pattern outside of what GBNF can say."""
    return f"root ::= {_regex(parsed(pattern))}\n"


def of_text(text: str) -> str:
    """Grammar that allows these very words."""
    return f"root ::= {_quote(text)}\n"


def _quote(text: str) -> str:
    return json.dumps(text, ensure_ascii=False)


def _rule(schema: Any, root: dict[str, Any], depth: int) -> str:
    if depth > 12:
        raise TextError("Schema is nested too deeply")
    if not isinstance(schema, dict):
        return "value"
    if "$ref" in schema:
        return _rule(resolve(schema["$ref"], root), root, depth + 1)
    if "const" in schema:
        return _quote(json.dumps(schema["const"], ensure_ascii=False))
    if schema.get("enum"):
        options = [_quote(json.dumps(item, ensure_ascii=False)) for item in schema["enum"]]
        return f"({' | '.join(options)})"
    for key in ("anyOf", "oneOf"):
        if schema.get(key):
            return f"({' | '.join(_rule(item, root, depth + 1) for item in schema[key])})"
    if schema.get("allOf"):
        return _rule(schema["allOf"][0], root, depth + 1)
    if "prefixItems" in schema:
        items = ' "," ws '.join(_rule(item, root, depth + 1) for item in schema["prefixItems"])
        return f'"[" ws {items} ws "]"'
    kind = schema.get("type", "object" if "properties" in schema else "value")
    if isinstance(kind, list):
        return f"({' | '.join(_rule({**schema, 'type': one}, root, depth + 1) for one in kind)})"
    if kind == "object":
        return _object(schema, root, depth)
    if kind == "array":
        return _array(schema, root, depth)
    if kind == "string":
        return _string(schema)
    return str(kind)


def _object(schema: dict[str, Any], root: dict[str, Any], depth: int) -> str:
    properties = schema.get("properties", {})
    required = schema.get("required", list(properties))
    pairs = []
    for name, inner in properties.items():
        key = _quote(json.dumps(name, ensure_ascii=False))
        pairs.append((f'{key} ":" ws {_rule(inner, root, depth + 1)}', name in required))
    if not pairs:
        return '"{" ws "}"'
    # the first required property leads, so that every other one can bring its own comma
    lead = next((i for i, (_, needed) in enumerate(pairs) if needed), 0)
    parts = [f'({pair} "," ws)?' for pair, _ in pairs[:lead]]
    parts.append(pairs[lead][0])
    for pair, needed in pairs[lead + 1 :]:
        parts.append(f'"," ws {pair}' if needed else f'("," ws {pair})?')
    return f'"{{" ws {" ".join(parts)} ws "}}"'


def _array(schema: dict[str, Any], root: dict[str, Any], depth: int) -> str:
    item = f"({_rule(schema.get('items', {}), root, depth + 1)})"
    low = int(schema.get("minItems", 0))
    high = int(schema.get("maxItems", max(low, 4)))
    if high < 1:
        return '"[" ws "]"'
    more = f'("," ws {item}){{{max(low - 1, 0)},{high - 1}}}' if high > 1 else ""
    body = f"{item} {more}"
    return f'"[" ws {body if low else f"({body})?"} ws "]"'


def _string(schema: dict[str, Any]) -> str:
    if "pattern" in schema:
        tree = parsed(inner_pattern(schema["pattern"]))
        return f'"\\"" {_regex(tree)} "\\""'
    if "minLength" in schema or "maxLength" in schema:
        low = int(schema.get("minLength", 0))
        return f'"\\"" char{{{low},{int(schema.get("maxLength", max(low, 48)))}}} "\\""'
    return "string"


_CLASSES = {"DIGIT": "0-9", "SPACE": " \\t\\n", "WORD": "a-zA-Z0-9_"}


def _regex(tree: Any) -> str:
    parts = []
    for op, arg in tree:
        if op is sre.LITERAL:
            parts.append(_quote(chr(arg)))
        elif op is sre.NOT_LITERAL:
            parts.append(f"[^{_escaped(arg)}]")
        elif op is sre.ANY:
            parts.append("[^\\n]")
        elif op is sre.IN:
            parts.append(_char_class(arg))
        elif op in (sre.MAX_REPEAT, sre.MIN_REPEAT):
            low, high, inner = arg
            upper = "" if high is sre.MAXREPEAT else high
            parts.append(f"({_regex(inner)}){{{low},{upper}}}")
        elif op is sre.SUBPATTERN:
            parts.append(f"({_regex(arg[3])})")
        elif op is sre.BRANCH:
            parts.append(f"({' | '.join(_regex(option) for option in arg[1])})")
        else:
            raise TextError(f"Unsupported in a regular expression: {op}")
    return " ".join(parts) or '""'


def _char_class(options: Any) -> str:
    out = ""
    for op, arg in options:
        if op is sre.NEGATE:
            out += "^"
        elif op is sre.LITERAL:
            out += _escaped(arg)
        elif op is sre.RANGE:
            out += f"{_escaped(arg[0])}-{_escaped(arg[1])}"
        elif str(arg).removeprefix("CATEGORY_") in _CLASSES:
            out += _CLASSES[str(arg).removeprefix("CATEGORY_")]
        else:
            raise TextError(f"Unsupported in a character class: {arg}")
    return f"[{out}]"


def _escaped(code: int) -> str:
    if code < 0x20 or 0x7F <= code < 0xA0:
        return f"\\x{code:02x}"
    return "\\" + chr(code) if chr(code) in "]^-\\[" else chr(code)
