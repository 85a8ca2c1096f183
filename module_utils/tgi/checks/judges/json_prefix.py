"""Judge the beginning of JSON: can it still become a text that fits a schema?

White space may stand between any two tokens, and keys may come in any order, but none twice. It
knows the words of the checks' own schemas; a schema of other words fits any JSON.
"""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Mapping
from typing import Any

#: A whole text that fits; the beginning of one; a text that no continuation makes fit.
WHOLE, BEGUN, WRONG = "whole", "begun", "wrong"
#: More white space at the end of a text than any indentation has.
ENDLESS = 64
_SPACE = " \t\n\r"
_STRING = re.compile(r'(?:[^"\\\x00-\x1f]|\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4}))*')
_HALF_ESCAPE = re.compile(r"\\(?:u[0-9a-fA-F]{0,3})?")
_TOKEN = re.compile(r"[-+.0-9A-Za-z]*")
_NUMBER = re.compile(r"-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?", re.ASCII)
_BEGUN_NUMBER = re.compile(r"-?(?:(?:0|[1-9]\d*)(?:\.\d*)?(?:(?<=\d)[eE][+-]?\d*)?)?", re.ASCII)
_WORDS: dict[str, Any] = {"true": True, "false": False, "null": None}
_KINDS = {bool: "boolean", int: "integer", float: "number", type(None): "null"}


class _RanOutError(Exception):
    """The text ended, and all of it fits."""


class _MisfitError(Exception):
    """No continuation makes the text fit."""


def judge_beginning(text: str, schema: Mapping[str, Any]) -> str:
    """Return WHOLE, BEGUN or WRONG."""
    reader = _Reader(text)
    # Python refuses numbers of thousands of digits and nesting of thousands of levels
    try:
        reader.read(schema)
    except _RanOutError:
        return BEGUN
    except (_MisfitError, RecursionError, ValueError):
        return WRONG
    return WRONG if text[reader.at :].strip(_SPACE) else WHOLE


def is_endless_space(text: str) -> bool:
    """Return whether a cut text is white space alone, or ends in more of it than JSON needs."""
    kept = text.rstrip(_SPACE)
    return not kept or len(text) - len(kept) >= ENDLESS


class _Reader:
    """Read a text by a schema, from left to right."""

    def __init__(self, text: str) -> None:
        self.text, self.at = text, 0

    def read(self, schema: Mapping[str, Any]) -> None:
        """Read one value."""
        if "anyOf" in schema:
            self._read_any(schema["anyOf"])
            return
        values = schema.get("enum", [schema["const"]] if "const" in schema else None)
        kinds = schema.get("type")
        kinds = [kinds] if isinstance(kinds, str) else kinds
        first = self._peek()
        if first in "{[" and values is not None:
            # Constants of this kind are in no schema of the checks
            self._read_any([{}] if any(isinstance(one, (dict, list)) for one in values) else [])
        elif first == "{":
            self._read_object(schema, kinds)
        elif first == "[":
            self._read_array(schema, kinds)
        elif first == '"':
            self._expect("string", kinds)
            self._read_string(values)
        else:
            self._read_scalar(values, kinds)

    def _read_any(self, schemas: Collection[Mapping[str, Any]]) -> None:
        start, begun = self.at, False
        for schema in schemas:
            self.at = start
            try:
                self.read(schema)
            except _RanOutError:
                begun = True
            except _MisfitError:
                pass
            else:
                return
        raise _RanOutError if begun else _MisfitError

    def _peek(self) -> str:
        """Skip white space and return the next character."""
        while self.at < len(self.text) and self.text[self.at] in _SPACE:
            self.at += 1
        if self.at == len(self.text):
            raise _RanOutError
        return self.text[self.at]

    def _take(self, wanted: str) -> str:
        """Take the next character, one of ``wanted``."""
        found = self._peek()
        if found not in wanted:
            raise _MisfitError
        self.at += 1
        return found

    def _expect(self, kind: str, kinds: Collection[str] | None) -> None:
        if kinds is not None and kind not in kinds:
            raise _MisfitError

    def _read_object(self, schema: Mapping[str, Any], kinds: Collection[str] | None) -> None:
        self._expect("object", kinds)
        properties = schema.get("properties", {})
        closed, missing, seen = schema.get("additionalProperties") is False, set[str](), set[str]()
        missing.update(schema.get("required", ()))
        self._take("{")
        more = self._peek() != "}"
        while more:
            if closed and seen >= set(properties):
                raise _MisfitError
            self._peek()
            key = self._read_string([one for one in properties if one not in seen] if closed
                                    else None)  # fmt: skip
            if key in seen:
                raise _MisfitError
            seen.add(key)
            self._take(":")
            self.read(properties.get(key, {}))
            more = self._take(",}" if missing <= seen else ",") == ","
        if not seen:
            self._take("" if missing else "}")

    def _read_array(self, schema: Mapping[str, Any], kinds: Collection[str] | None) -> None:
        self._expect("array", kinds)
        least, most = schema.get("minItems", 0), schema.get("maxItems")
        self._take("[")
        count, more = 0, self._peek() != "]"
        while more:
            count += 1
            self.read(schema.get("items", {}))
            ends = ("," if most is None or count < most else "") + ("]" if count >= least else "")
            more = self._take(ends) == ","
        if not count:
            self._take("" if least else "]")

    def _read_string(self, values: Collection[Any] | None) -> str:
        """Read a string, one of ``values`` if given."""
        self._take('"')
        body = _STRING.match(self.text, self.at)
        said = body.group() if body else ""
        end = self.at + len(said)
        if self.text[end : end + 1] == '"':
            whole = str(json.loads(f'"{said}"'))
            if values is not None and whole not in values:
                raise _MisfitError
            self.at = end + 1
            return whole
        if end < len(self.text) and not _HALF_ESCAPE.fullmatch(self.text, end):
            raise _MisfitError
        begun = str(json.loads(f'"{said}"'))
        if begun[-1:] and "\ud800" <= begun[-1] <= "\udbff":
            # The other half of this character would come next
            begun = begun[:-1]
        if values is None or any(isinstance(v, str) and v.startswith(begun) for v in values):
            raise _RanOutError
        raise _MisfitError

    def _read_scalar(self, values: Collection[Any] | None, kinds: Collection[str] | None) -> None:
        found = _TOKEN.match(self.text, self.at)
        token = found.group() if found else ""
        self.at += len(token)
        if token in _WORDS or _NUMBER.fullmatch(token):
            value = _WORDS[token] if token in _WORDS else json.loads(token)
            if _is_one_of(value, values) and _is_of_kind(value, kinds):
                return
        if self.at < len(self.text) or not token or not _may_grow(token, values, kinds):
            raise _MisfitError
        raise _RanOutError


def _is_one_of(value: Any, values: Collection[Any] | None) -> bool:
    return values is None or any(type(one) is type(value) and one == value for one in values)


def _is_of_kind(value: Any, kinds: Collection[str] | None) -> bool:
    kind = _KINDS[type(value)]
    return kinds is None or kind in kinds or (kind == "integer" and "number" in kinds)


def _may_grow(token: str, values: Collection[Any] | None, kinds: Collection[str] | None) -> bool:
    """Return whether a longer token can be one of ``values``, or of one of ``kinds``."""
    if values is not None:
        return any(json.dumps(one).startswith(token) for one in values)
    if any(word.startswith(token) and _is_of_kind(_WORDS[word], kinds) for word in _WORDS):
        return True
    if kinds is None or "number" in kinds:
        return _BEGUN_NUMBER.fullmatch(token) is not None
    return "integer" in kinds and re.fullmatch(r"-?(?:0|[1-9]\d*)?", token, re.ASCII) is not None
