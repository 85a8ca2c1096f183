"""Values as Rust's formatting writes them into bodies, messages and metrics."""

from __future__ import annotations

import json
import math
import unicodedata
from decimal import Decimal
from json.encoder import encode_basestring
from typing import Any

_ESCAPED = {"\0": "\\0", "\t": "\\t", "\n": "\\n", "\r": "\\r", '"': '\\"', "\\": "\\\\"}


def dumps(value: Any) -> str:
    """Return JSON as serde_json writes it: no blanks, no ASCII escapes, NaN as null."""
    if isinstance(value, str):
        return encode_basestring(value)
    if isinstance(value, float):
        return ryu(value) if math.isfinite(value) else "null"
    if isinstance(value, dict):
        pairs = (f"{encode_basestring(key)}:{dumps(one)}" for key, one in value.items())
        return "{" + ",".join(pairs) + "}"
    if isinstance(value, list):
        return "[" + ",".join(map(dumps, value)) + "]"
    return json.dumps(value)


def quoted(text: str) -> str:
    """Return a string as `{:?}` prints it."""
    return '"' + "".join(_ESCAPED.get(one) or _shown(one) for one in text) + '"'


def _shown(character: str) -> str:
    marks = unicodedata.category(character) in ("Mn", "Me")
    return f"\\u{{{ord(character):x}}}" if marks or not character.isprintable() else character


def debug(value: Any) -> str:
    """Return a JSON value as `{:?}` prints serde_json's."""
    if isinstance(value, dict):
        inner = ", ".join(f"{quoted(key)}: {debug(one)}" for key, one in value.items())
        return f"Object {{{inner}}}"
    if isinstance(value, list):
        return f"Array [{', '.join(map(debug, value))}]"
    if value is None:
        return "Null"
    if isinstance(value, bool):
        return f"Bool({dumps(value)})"
    return f"String({quoted(value)})" if isinstance(value, str) else f"Number({dumps(value)})"


def number(value: float) -> str:
    """Return a float as `{}` prints it: no exponent, and no point where nothing follows it."""
    text = format(Decimal(repr(float(value))), "f")
    return text.rstrip("0").rstrip(".") if "." in text else text


def ryu(value: float) -> str:
    """Return a float as serde_json writes it: shortest, 1e16 and not 1e+16."""
    sign = "-" if math.copysign(1, value) < 0 else ""
    _, figures, exponent = Decimal(repr(abs(value))).normalize().as_tuple()
    digits = "".join(map(str, figures))
    if value == 0:
        return f"{sign}0.0"
    point = len(digits) + int(exponent)
    if 0 < point <= 16:
        digits = digits.ljust(point, "0")
        return f"{sign}{digits[:point]}.{digits[point:] or '0'}"
    if -5 < point <= 0:
        return f"{sign}0.{'0' * -point}{digits}"
    return f"{sign}{digits[0]}{'.' if digits[1:] else ''}{digits[1:]}e{point - 1}"
