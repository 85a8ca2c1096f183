"""The draft 2020-12 meta-schema as the jsonschema crate 0.28 asks it: its order and its words.

Python's own validator goes through the keys of an object in an order that changes from run to run.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from typing import Any

from jsonschema_specifications import REGISTRY

from .rust_words import dumps

_BASE = "https://json-schema.org/draft/2020-12/"
_WHOLE = REGISTRY.contents(f"{_BASE}schema")


def _whole_number(value: Any) -> bool:
    return _numeric(value) and float(value).is_integer()


def _numeric(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)


_TYPES: dict[str, Callable[[Any], bool]] = {
    "any": lambda _: True,
    "array": lambda value: isinstance(value, list),
    "boolean": lambda value: isinstance(value, bool),
    "integer": _whole_number,
    "number": _numeric,
    "object": lambda value: isinstance(value, dict),
    "string": lambda value: isinstance(value, str),
}
#: By keyword: the type that it is about, whether the value fits, and what is said if not.
_LIMITS: dict[str, tuple[str, Callable[[Any, Any], Any], str]] = {
    "minimum": ("number", lambda value, limit: value >= limit,
                "{} is less than the minimum of {}"),
    "exclusiveMinimum": ("number", lambda value, limit: value > limit,
                         "{} is less than or equal to the minimum of {}"),
    "minItems": ("array", lambda value, limit: len(value) >= limit,
                 "{} has less than {} item"),
    "uniqueItems": ("array", lambda value, _: len(set(map(dumps, value))) == len(value),
                    "{} has non-unique elements"),
    "pattern": ("string", lambda value, limit: re.search(limit, value),
                '{} does not match "{}"'),
    "enum": ("any", lambda value, limit: value in limit, "{} is not one of {}"),
}  # fmt: skip


def misfit(schema: Any) -> str:
    """Return what is wrong first with a schema, "" when it is one."""
    return next(_misfits(_WHOLE, schema, _WHOLE), "")


def _misfits(meta: Any, value: Any, part: Any) -> Iterator[str]:
    for keyword, limit in meta.items() if isinstance(meta, dict) else ():
        if keyword in ("$ref", "$dynamicRef"):
            yield from _referred(limit, value, part)
        elif keyword == "allOf":
            for one in limit:
                yield from _misfits(one, value, part)
        elif keyword == "anyOf":
            if all(next(_misfits(one, value, part), "") for one in limit):
                yield (
                    f"{dumps(value)} is not valid under any of the schemas listed in the"
                    " 'anyOf' keyword"
                )
        elif keyword == "type":
            yield from _mistyped(limit, value)
        elif keyword in _LIMITS:
            kind, fits, said = _LIMITS[keyword]
            if _TYPES[kind](value) and not fits(value, limit):
                yield said.format(dumps(value), limit)
        else:
            for inner, one in _inside(keyword, limit, value):
                yield from _misfits(inner, one, part)


def _referred(reference: str, value: Any, part: Any) -> Iterator[str]:
    """To a definition, here or in another vocabulary, or to the whole by the dynamic reference."""
    if reference == "#meta":
        yield from _misfits(_WHOLE, value, _WHOLE)
        return
    other, _, path = reference.partition("#")
    meta = part = REGISTRY.contents(_BASE + other) if other else part
    for name in filter(None, path.split("/")):
        meta = meta[name]
    yield from _misfits(meta, value, part)


def _mistyped(types: Any, value: Any) -> Iterator[str]:
    if isinstance(types, str):
        if not _TYPES[types](value):
            yield f'{dumps(value)} is not of type "{types}"'
    elif not any(_TYPES[one](value) for one in types):
        yield f"{dumps(value)} is not of types " + ", ".join(f'"{one}"' for one in sorted(types))


def _inside(keyword: str, limit: Any, value: Any) -> Iterable[tuple[Any, Any]]:
    """The values inside that a keyword is about, each with what it must fit."""
    if keyword == "items" and isinstance(value, list):
        return [(limit, one) for one in value]
    if not isinstance(value, dict):
        return []
    if keyword == "properties":
        return [(inner, value[name]) for name, inner in limit.items() if name in value]
    if keyword == "additionalProperties":
        return [(limit, one) for one in value.values()]
    return [(limit, name) for name in value] if keyword == "propertyNames" else []
