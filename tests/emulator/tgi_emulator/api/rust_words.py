"""Values as Rust's formatting writes them into messages and metrics."""

from __future__ import annotations

import json
import unicodedata
from decimal import Decimal
from typing import Any

_ESCAPED = {"\0": "\\0", "\t": "\\t", "\n": "\\n", "\r": "\\r", '"': '\\"', "\\": "\\\\"}


def dumps(value: Any) -> str:
    """Return JSON as serde_json writes it: no blanks, no ASCII escapes."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


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
        return f"Bool({str(value).lower()})"
    return f"String({quoted(value)})" if isinstance(value, str) else f"Number({value})"


def number(value: float) -> str:
    """Return a float as `{}` prints it: no exponent, and no point where nothing follows it."""
    text = format(Decimal(repr(float(value))), "f")
    return text.rstrip("0").rstrip(".") if "." in text else text
