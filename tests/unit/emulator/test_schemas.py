"""Schemas and regular expressions that TGI refuses, in the words of the crates that it asks."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from tgi_emulator.api.grammar import Unfit, convert
from tgi_emulator.api.meta_schema import misfit
from tgi_emulator.api.rust_words import debug, dumps, number, quoted

from tests.support.emulator import FACTS, App, events

CHAT = {"messages": [{"role": "user", "content": "Hi"}]}
UNSUPPORTED = (
    "Unsupported JSON Schema structure {} \nMake sure it is valid to the JSON Schema specification"
    " and check if it's supported by Outlines.\nIf it should be supported, please open an issue."
)


@pytest.fixture
def app(tmp_path: Path) -> App:
    return App(tmp_path)


def refused(app: App, grammar: Any) -> str:
    """Return what TGI says of a grammar, the same natively and as response_format."""
    asked = {"inputs": "Hi", "parameters": {"max_new_tokens": 4, "grammar": grammar}}
    native = app.post("/generate", asked)
    assert (native.status_code, native.json()["error_type"]) == (422, "validation")
    chat = app.post("/v1/chat/completions", {**CHAT, "response_format": grammar})
    assert chat.json() == native.json()
    return str(native.json()["error"]).removeprefix("Input validation error: ")


@pytest.mark.parametrize(
    ("schema", "said"),
    [
        ({"type": "hiccup"},
         "\"hiccup\" is not valid under any of the schemas listed in the 'anyOf' keyword"),
        ({"type": ["string", "string"]},
         '["string","string"] is not valid under any of the schemas listed in the'
         " 'anyOf' keyword"),
        ({"properties": 1}, '1 is not of type "object"'),
        ({"properties": {"a": 1}}, '1 is not of types "boolean", "object"'),
        ({"properties": {"a": {"required": "b"}}}, '"b" is not of type "array"'),
        ({"properties": {"a": {"required": ["b", "b"]}}}, '["b","b"] has non-unique elements'),
        ({"properties": {"a": {"minLength": -1}}}, "-1 is less than the minimum of 0"),
        ({"properties": {"a": {"minLength": 1.5}}}, '1.5 is not of type "integer"'),
        ({"properties": {"a": {"multipleOf": 0}}},
         "0 is less than or equal to the minimum of 0"),
        ({"properties": {"a": {"anyOf": []}}}, "[] has less than 1 item"),
        ({"properties": {"a": {"enum": "x"}}}, '"x" is not of type "array"'),
        ({"properties": {"a": {"pattern": 7}}}, '7 is not of type "string"'),
        ({"properties": {"a": {"uniqueItems": None}}}, 'null is not of type "boolean"'),
        ({"$id": "a#b", "properties": {}}, '"a#b" does not match "^[^#]*#?$"'),
        ({"title": {"a": "é"}}, '{"a":"é"} is not of type "string"'),
        # The first error in the order of the meta-schema, not the deepest one
        ({"minLength": -1, "properties": {"a": {"type": "x"}}},
         "\"x\" is not valid under any of the schemas listed in the 'anyOf' keyword"),
        ({}, "Grammar must have a 'properties' field"),
    ],
)  # fmt: skip
def test_a_schema_that_is_none_is_refused(app: App, schema: dict[str, Any], said: str) -> None:
    for grammar in (
        {"type": "json", "value": schema},
        {"type": "json_schema", "value": {"schema": schema}},
    ):
        assert refused(app, grammar) == f"grammar is not valid: {said}"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("str", "expected value at line 1 column 1"),
        ("", "EOF while parsing a value at line 1 column 0"),
        ('{"a":', "EOF while parsing a value at line 1 column 5"),
        ('{"properties":{}} x', "trailing characters at line 1 column 19"),
        ("{\n'a'", "key must be a string at line 2 column 1"),
    ],
)
def test_a_schema_in_a_string_is_read_by_serde(app: App, text: str, said: str) -> None:
    assert refused(app, {"type": "json", "value": text}) == f"grammar is not valid: {said}"


def test_a_schema_that_is_no_object(app: App) -> None:
    assert refused(app, {"type": "json", "value": 1}) == "grammar is not supported"
    for schema in (True, 1):
        said = refused(app, {"type": "json_schema", "value": {"schema": schema}})
        assert said == "grammar is not valid: " + (
            "Grammar must have a 'properties' field" if schema is True
            else '1 is not of types "boolean", "object"'
        )  # fmt: skip


#: Valid JSON Schema that outlines-core cannot turn into a regular expression, and why.
UNCONVERTIBLE: list[tuple[Any, str]] = [
    (True, "Invalid JSON Schema: expected an object"),
    ({"description": "any"}, UNSUPPORTED.format('{"description":"any"}')),
    ({"type": ["string", "null"]}, "'type' must be a string"),
    ({"type": "string", "format": "email"}, "Format email is not supported by Outlines"),
    ({"type": "string", "minLength": 3, "maxLength": 2},
     "maxLength must be greater than or equal to minLength"),
    ({"type": "integer", "minDigits": 3, "maxDigits": 2},
     "max bound must be greater than or equal to min bound"),
    ({"type": "number", "minDigitsExponent": 3, "maxDigitsExponent": 2},
     "max bound must be greater than or equal to min bound"),
    ({"enum": [1, {"a": [None, "é\n"]}]},
     r'Unsupported data type in enum: Object {"a": Array [Null, String("é\n")]}'),
    ({"const": [True]}, "Unsupported data type in const: Array [Bool(true)]"),
    ({"$ref": "#/$defs/none"}, "Invalid reference path: none"),
    ({"$ref": "other#/a"}, "External references are not supported: other#/a"),
    ({"$ref": "#a#b"}, "Invalid reference format: #a#b"),
    ({"type": "object", "additionalProperties": False},
     "Invalid JSON Schema: expected an object"),
    ({"type": "array", "items": {"anyOf": [{"allOf": [{"oneOf": [{"prefixItems": [True]}]}]}]}},
     "Invalid JSON Schema: expected an object"),
]  # fmt: skip


@pytest.mark.parametrize(("inner", "said"), UNCONVERTIBLE)
def test_a_schema_that_outlines_cannot_convert_is_refused(app: App, inner: Any, said: str) -> None:
    schema = {"properties": {"ok": {"type": "null"}, "a": inner}, "$defs": {"yes": {}}}
    found = refused(app, {"type": "json", "value": schema})
    assert found == f"cannot compile regex from schema: {said}"


@pytest.mark.parametrize(
    "inner",
    [
        {},
        {"type": "string", "format": "date", "minimum": "not looked at"},
        {"$ref": "#/$defs/yes"},
        {"type": "array", "items": False, "maxItems": 0},
        {"type": "object", "additionalProperties": False, "maxProperties": 0},
        {"type": "string", "format": "email", "maxLength": 4},
    ],
)
def test_what_outlines_does_not_look_at_passes(app: App, inner: dict[str, Any]) -> None:
    tool = {"type": "function", "function": {"name": "f", "parameters": {
        "properties": {"a": inner}}}}  # fmt: skip
    body = {**CHAT, "tools": [tool], "tool_choice": "required", "max_tokens": 60}
    said = app.post("/v1/chat/completions", body)
    expected = "Invalid reference path: $defs" if "$ref" in inner else None
    assert (expected in said.json()["error"]) if expected else said.status_code == 200


@pytest.mark.parametrize("choice", ["required", "auto", "f", None])
@pytest.mark.parametrize(
    ("properties", "said"),
    [
        ({"city": {"type": "hiccup"}}, "Unsupported type: hiccup"),
        ({"city": {"type": 1}}, "'type' must be a string"),
        ({"city": {"properties": []}}, "'properties' not found or not an object"),
        ({"city": {"anyOf": {}}}, "'anyOf' must be an array"),
        ({"city": {"enum": "x"}}, "'enum' must be an array"),
        ({"city": {"$ref": 1}}, "'$ref' must be a string"),
        *(({"city": inner}, said) for inner, said in UNCONVERTIBLE[:2]),
    ],
)
def test_tools_are_refused_before_anything_is_generated(
    app: App, choice: str | None, properties: dict[str, Any], said: str
) -> None:
    """Their schemas are not checked against the meta-schema; only the conversion fails."""
    function = {"name": "f", "parameters": {"type": "object", "properties": properties}}
    body = {**CHAT, "tools": [{"type": "function", "function": function}], "tool_choice": choice}
    words = f"Input validation error: cannot compile regex from schema: {said}"
    answer = app.post("/v1/chat/completions", body)
    assert (answer.status_code, answer.json()) == (
        422, {"error": words, "error_type": "validation"})  # fmt: skip
    streamed = events(app.post("/v1/chat/completions", {**body, "stream": True}).text)
    assert streamed == [{"error": {"message": words, "http_status_code": 422}}, "[DONE]"]
    assert app.backend.metrics.value("tgi_batch_inference_count", method="prefill") == 0
    unused = app.post("/v1/chat/completions", {**body, "tool_choice": "none"})
    assert unused.status_code == 200


@pytest.mark.parametrize(
    "inner",
    [
        {"type": "number", "exclusiveMinimum": "#", "maximum": None},
        {"type": "string", "minLength": -1, "pattern": False},
        {"type": "array", "minItems": "x", "items": {"type": "null"}},
        {"properties": {"b": {"const": 1}}, "required": 2, "$ref": -1},
        {"enum": [1], "$ref": 2, "anyOf": [{"prefixItems": [{"const": "x"}, {}]}]},
    ],
)
def test_what_tgi_overlooks_breaks_nothing(app: App, inner: dict[str, Any]) -> None:
    parameters = {"properties": {"a": inner}, "required": None, "additionalProperties": 7}
    tool = {"type": "function", "function": {"name": "f", "parameters": parameters}}
    body = {**CHAT, "tools": [tool], "tool_choice": "f"}
    answer = app.post("/v1/chat/completions", body)
    assert answer.status_code == 200
    assert answer.json()["choices"][0]["message"]["tool_calls"][0]["function"]["name"] == "f"
    for odd in (None, 1, {"properties": 3, "required": "a"}):
        tool["function"] = {"name": "f", "parameters": odd}
        assert app.post("/v1/chat/completions", body).status_code == 200


def test_a_schema_that_refers_to_itself_is_a_generation_error(app: App) -> None:
    """The real router's stack overflows, and it ends."""
    grammar = {"type": "json", "value": {"properties": {"a": {"$ref": "#"}}}}
    answer = app.post("/generate", {"inputs": "Hi", "parameters": {"grammar": grammar}})
    assert answer.status_code == 424
    assert answer.json()["error"].endswith("Server error: Schema is nested too deeply")


#: What interegular, TGI's parser, says of each; Python's takes most of them.
PATTERNS = [
    ("[a", ""), ("(", ""), ("*", ""), ("\\", ""),
    ("^a$", "'^'"), ("(a|b$)+", "'$'"), (r"a\b", r"Escape \b is not implemented"),
    (r"(a)\1^", "Group references are not implemented"),
    (r"\2", "Group references are not implemented"),
    ("(?<=a)b", "lookbacks are not implemented"), ("(?<!a)b$", "'$'"),
    ("[z-a]", "Invalid Character-range: z-a"),
    (r"\p{L}", "regex module unicode properties are not supported."),
]  # fmt: skip


@pytest.mark.parametrize(("pattern", "said"), PATTERNS)
def test_a_pattern_that_does_not_compile_is_a_generation_error(
    app: App, pattern: str, said: str
) -> None:
    inner = {"properties": {"a": {"type": "string", "pattern": f"x{pattern}"}}, "required": ["a"]}
    grammars: list[Any] = [{"type": "regex", "value": pattern}]
    grammars += [{"type": "json", "value": inner}] if pattern != "*" else []
    for grammar in grammars:
        answer = app.post("/generate", {"inputs": "Hi", "parameters": {"grammar": grammar}})
        assert (answer.status_code, answer.json()) == (
            424, {"error": f"Request failed during generation: Server error: {said}",
                  "error_type": "generation"})  # fmt: skip


@pytest.mark.parametrize("pattern", ["^[ab]$", r"a(?!b)", r"\$\^", "[$^]", "(?:a)?"])
def test_what_the_parser_takes(app: App, pattern: str) -> None:
    inner = {"properties": {"a": {"type": "string", "pattern": pattern}}, "required": ["a"]}
    grammar = {"type": "json", "value": inner}
    answer = app.post("/generate", {"inputs": "Hi", "parameters": {"grammar": grammar}})
    assert answer.status_code == 200


def test_random_schemas_are_refused_in_the_crates_words() -> None:
    """What jsonschema 0.28.3 said, or else outlines-core's conversion; "" where both took it."""
    for schema, said in json.loads((FACTS / "schema-words.json").read_text()):
        found = misfit(schema)
        try:
            if not found:
                convert(schema, schema)
        except Unfit as error:
            found = str(error)
        assert found == said, schema


def test_values_are_written_as_rust_writes_them() -> None:
    assert quoted('{ "a": \'\\\t\0e\u0301\u200b') == r'''"{ \"a\": '\\\t\0e\u{301}\u{200b}"'''
    written = dumps([1e16, 1e-5, 1e-7, -0.0, float("nan"), True, None, {"é": "\x7f\n"}])
    assert written == '[1e16,0.00001,1e-7,-0.0,null,true,null,{"é":"\x7f\\n"}]'
    assert debug([1, -2.5, {}]) == "Array [Number(1), Number(-2.5), Object {}]"
    assert [number(one) for one in (0, 512.0, 5e-05, 1e21, 0.1 + 0.2)] == [
        "0", "512", "0.00005", "1000000000000000000000", "0.30000000000000004",
    ]  # fmt: skip
