"""Test schemas: a translation accepts what the original accepts, or is refused."""

from __future__ import annotations

import json
from collections.abc import Callable
from functools import partial
from random import Random
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from tests.support.gateway.dialect import NJS, ask

pytestmark = pytest.mark.skipif(NJS is None, reason="njs is not installed")

_BUDGET = {"schemas": 4000, "text": 131072}


def translate(*schemas: Any) -> list[Any]:
    """The translation of each schema, "same" where it stays, or {"refused": words}."""
    texts = [one if isinstance(one, str) else json.dumps(one) for one in schemas]
    made = ask("schemas", "translate", [[one, "tools", "The schema", _BUDGET] for one in texts])
    return [
        "same" if one is None else one if isinstance(one, dict) else json.loads(one) for one in made
    ]


_A = {"$defs": {"A": {"type": "string", "title": "T", "maxLength": 3}}}
#: By name: a schema and its translation
TRANSLATED: dict[str, tuple[Any, Any]] = {
    "a reference": (
        {"properties": {"a": {"$ref": "#/$defs/A"}}, **_A},
        {"properties": {"a": _A["$defs"]["A"]}},
    ),
    "words beside a reference": (
        {"items": {"$ref": "#/$defs/A", "title": "U", "default": "x"}, **_A},
        {"items": {"type": "string", "maxLength": 3, "title": "U", "default": "x"}},
    ),
    "another rule beside a reference": (
        {"items": {"$ref": "#/$defs/A", "minLength": 1}, **_A},
        {"items": {"type": "string", "title": "T", "maxLength": 3, "minLength": 1}},
    ),
    "an old draft, where that rule does not count": (
        {
            "$schema": "http://json-schema.org/draft-07/schema#",
            "items": {"$ref": "#/definitions/A", "minLength": 1},
            "definitions": {"A": {"type": "string"}},
        },
        {"$schema": "http://json-schema.org/draft-07/schema#", "items": {"type": "string"}},
    ),
    "a reference by another way": (
        {
            "properties": {
                "a/b~": {"const": 1},
                "c": {"$ref": "#/properties/a~1b~0"},
                "d": {"$ref": "#/properties/a%2Fb"},
                "a/b": {"const": 2},
            },
            "$defs": {},
        },
        {
            "properties": {
                "a/b~": {"const": 1},
                "c": {"const": 1},
                "d": {"const": 2},
                "a/b": {"const": 2},
            }
        },
    ),
    "references within references": (
        {
            "$ref": "#/$defs/B",
            "$defs": {
                "B": {"properties": {"x": {"$ref": "#/$defs/C"}}},
                "C": {"anyOf": [{"$ref": "#/$defs/D"}]},
                "D": {"type": "null"},
            },
        },
        {"properties": {"x": {"anyOf": [{"type": "null"}]}}},
    ),
    "data that looks like a reference": (
        {"properties": {"$ref": {"$ref": "#/$defs/A"}, "e": {"enum": [{"$ref": "#/x"}]}}, **_A},
        {"properties": {"$ref": _A["$defs"]["A"], "e": {"enum": [{"$ref": "#/x"}]}}},
    ),
    "a list of types": (
        {"type": ["string", "null"], "description": "d", "maxLength": 3, "minimum": 2},
        {"description": "d", "anyOf": [{"type": "string", "maxLength": 3}, {"type": "null"}]},
    ),
    "a list of types with an object": (
        {"type": ["object", "null"], "properties": {"a": {"type": ["integer"]}}, "required": ["a"]},
        {
            "anyOf": [
                {"type": "object", "properties": {"a": {"type": "integer"}}, "required": ["a"]},
                {"type": "null"},
            ]
        },
    ),
    "a list of types and values": (
        {"type": ["integer", "null"], "enum": [1, 2.5, None, "x", True]},
        {"enum": [1, None]},
    ),
    "a type twice": (
        {"type": ["null", "null", "string"]},
        {"anyOf": [{"type": "null"}, {"type": "string"}]},
    ),
}


@pytest.mark.parametrize("name", TRANSLATED)
def test_a_schema_is_said_in_words_that_tgi_knows(name: str) -> None:
    given_, wanted = TRANSLATED[name]
    assert translate(given_) == [wanted]


@pytest.mark.parametrize(
    "schema",
    [
        {"type": "object"},
        {"properties": {"type": {"type": "string"}}, "required": ["type"]},
        {"enum": [["a"], {"type": ["a", "b"]}]},
        {"anyOf": [{"type": "null"}], "type": ["string", "null"]},
        {"$defs": {"A": {}}, "properties": {}},
        {"default": {"$ref": "#/$defs/A"}},
        True,
    ],
)
def test_a_schema_that_needs_nothing_stays(schema: Any) -> None:
    assert translate(schema) == ["same"]


def _nested(levels: int) -> dict[str, Any]:
    inner: dict[str, Any] = {"type": ["string", "null"]}
    for _ in range(levels):
        inner = {"properties": {"a": inner}}
    return inner


#: By name: a schema, and words of its refusal
REFUSED: dict[str, tuple[Any, str]] = {
    "itself": ({"properties": {"a": {"$ref": "#"}}}, "refers to itself"),
    "itself by others": (
        {
            "$ref": "#/$defs/A",
            "$defs": {"A": {"items": {"$ref": "#/$defs/B"}}, "B": {"not": {"$ref": "#/$defs/A"}}},
        },
        "refers to itself",
    ),
    "a circle of references alone": (
        {"$ref": "#/$defs/A", "$defs": {"A": {"$ref": "#/$defs/A"}}},
        "refers to itself",
    ),
    "elsewhere": ({"$ref": "https://example.com/a.json"}, "write references as"),
    "an anchor": (
        {"items": {"$ref": "#a"}, "$defs": {"A": {"$anchor": "a"}}},
        "write references as",
    ),
    "nowhere": ({"items": {"$ref": "#/$defs/A"}}, 'add it below "$defs"'),
    "not an own name": ({"items": {"$ref": "#/toString"}}, 'add it below "$defs"'),
    "a word": ({"items": {"$ref": "#/$defs/A"}, "$defs": {"A": "x"}}, "name an object there"),
    "rules that belong together": (
        {"items": {"$ref": "#/$defs/A", "properties": {}}, "$defs": {"A": {"type": "object"}}},
        'has "properties" beside a "$ref"',
    ),
    "a dynamic one": ({"items": {"$dynamicRef": "#a"}, "type": ["array", "null"]}, "$dynamicRef"),
    "a base inside": (
        {"items": {"$id": "x", "items": {"$ref": "#/$defs/A"}}, **_A},
        '"$id" inside',
    ),
    "no value of its types": ({"type": ["string", "null"], "enum": [1]}, 'correct "type"'),
    "deep": (_nested(16), "make it flatter"),
    "too deep to read": (_nested(40), "make it flatter"),
    "a name that would vanish": (
        '{"properties":{"__proto__":{"type":["string","null"]}}}',
        "__proto__",
    ),
    "that name beside a list of types": (
        '{"type":["string","null"],"__proto__":{"type":"null"}}',
        "__proto__",
    ),
    "that name in a definition": (
        '{"items":{"$ref":"#/$defs/A"},"$defs":{"A":{"__proto__":{}}}}',
        "__proto__",
    ),
    "many small parts, named often": (
        {
            "properties": {f"p{i}": {"$ref": "#/$defs/A"} for i in range(8)},
            "$defs": {"A": {"properties": {f"q{i}": {"type": "null"} for i in range(600)}}},
        },
        "more than 4000 parts",
    ),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_cannot_be_said_is_refused(name: str) -> None:
    schema, words = REFUSED[name]
    answer = translate(schema)[0]
    assert words in answer["thrown"]["message"]


def _laughs(levels: int, wide: int) -> dict[str, Any]:
    """Each definition names the next one several times."""
    named = {
        f"L{level}": {"prefixItems": [{"$ref": f"#/$defs/L{level + 1}"}] * wide}
        for level in range(levels)
    }
    return {"$ref": "#/$defs/L0", "$defs": {**named, f"L{levels}": {"type": "string"}}}


#: Schemas of at most 100 kB that would grow, or keep a worker busy
HOSTILE: dict[str, Any] = {
    "a billion laughs": _laughs(9, 10),
    "a long text many times": {
        "properties": {f"p{i}": {"$ref": "#/$defs/A"} for i in range(1000)},
        "$defs": {"A": {"type": "string", "description": "x" * 50_000}},
    },
    "a long list many times": {
        "properties": {f"p{i}": {"$ref": "#/$defs/A"} for i in range(1000)},
        "$defs": {"A": {"enum": list(range(10_000))}},
    },
    "a long chain": {
        "$ref": "#/$defs/A0",
        "$defs": {f"A{i}": {"$ref": f"#/$defs/A{i + 1}"} for i in range(3000)} | {"A3000": {}},
    },
    "many members": {
        "type": ["string", "null"],
        "properties": {f"p{i}": {"type": "string"} for i in range(4000)},
        "items": {"properties": {f"p{i}": {"type": ["string", "null"]} for i in range(1500)}},
    },
    "many numbers": {"type": ["number", "null"], "examples": [1.5] * 15_000},
}


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_schema_costs_little(name: str) -> None:
    # The time limit of the process is the bound: some of these took minutes
    answer = translate(HOSTILE[name])[0]
    assert "thrown" in answer or len(json.dumps(answer)) < 300_000


_NAMES = ("A", "B", "C")
_TYPES = ("string", "integer", "number", "boolean", "null", "array", "object")
_SCALARS = (None, True, False, -1, 0, 2, 0.5, 1.0, 1e30, "", "a", "ab")


class Maker:
    """Random schemas, and values that some of them accept."""

    def __init__(self, seed: int) -> None:
        self.random = Random(seed)

    def some(self, choices: tuple[Any, ...], most: int) -> list[Any]:
        return self.random.sample(choices, self.random.randint(1, most))

    def value(self, depth: int = 2) -> Any:
        kind = self.random.random() if depth else 0
        if kind < 0.5:
            return self.random.choice(_SCALARS)
        inner = [self.value(depth - 1) for _ in range(self.random.randint(0, 3))]
        return inner if kind < 0.7 else dict(zip("abc", inner, strict=False))

    def schema(self, depth: int = 3) -> Any:
        if self.random.random() < 0.05:
            return self.random.random() < 0.5
        if depth < 3 and self.random.random() < 0.3:
            beside = {"description": "d"} if self.random.random() < 0.5 else {"maxLength": 1}
            return {"$ref": f"#/$defs/{self.random.choice(_NAMES)}", **beside}
        keywords = self.some(tuple(self.rules(depth)), 4)
        rules = self.rules(depth)
        return {word: rules[word]() for word in keywords}

    def rules(self, depth: int) -> dict[str, Callable[[], Any]]:
        made: dict[str, Callable[[], Any]] = {
            "type": lambda: self.random.choice([self.random.choice(_TYPES), self.some(_TYPES, 3)]),
            "enum": lambda: self.some(_SCALARS, 4),
            "const": lambda: self.value(1),
            "minimum": lambda: self.random.randint(-1, 1),
            "maxLength": lambda: self.random.randint(0, 2),
            "minItems": lambda: self.random.randint(0, 2),
            "required": lambda: self.some(("a", "b", "c"), 2),
            "default": lambda: {"$ref": "#/nowhere"},
        }
        inner = partial(self.schema, depth - 1)
        deeper: dict[str, Callable[[], Any]] = {
            "properties": lambda: {name: inner() for name in self.some(("a", "b", "type"), 2)},
            "additionalProperties": inner,
            "items": inner,
            "prefixItems": lambda: [inner(), inner()],
            "anyOf": lambda: [inner(), inner()],
            "allOf": lambda: [inner()],
            "oneOf": lambda: [inner(), inner()],
            "not": inner,
            "if": inner,
            "then": inner,
        }
        return {**made, **deeper} if depth > 0 else made

    def whole(self) -> Any:
        made = self.schema()
        return (
            {**made, "$defs": {name: self.schema(1) for name in _NAMES}}
            if made is not True and made
            else {}
        )


def accepts(schema: Any, value: Any) -> bool | None:
    """Whether a value fits; None where the schema refers to itself without an end."""
    try:
        return Draft202012Validator(schema).is_valid(value)
    except RecursionError:
        return None


@given(seed=st.integers(0, 2**32))
@settings(max_examples=4, deadline=None)
def test_a_thousand_schemas_accept_what_they_accepted(seed: int) -> None:
    maker = Maker(seed)
    schemas = [maker.whole() for _ in range(250)]
    translated = 0
    for schema, answer in zip(schemas, translate(*schemas), strict=True):
        if answer == "same":
            continue
        if "thrown" in answer:
            assert answer["thrown"]["message"].endswith("."), answer
            continue
        translated += 1
        assert '"$ref": "#/$defs' not in json.dumps(answer)
        for value in [maker.value() for _ in range(20)]:
            before = accepts(schema, value)
            assert before is None or before == accepts(answer, value), (schema, answer, value)
    # 64 on average, give or take 8; the others need no translation or are refused
    assert translated > 25
