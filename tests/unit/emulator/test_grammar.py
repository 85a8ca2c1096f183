"""Guided output: the scripted filler fulfils schemas, and llama.cpp gets a matching grammar."""

from __future__ import annotations

import json
import re
from typing import Any

import jsonschema
import pytest
from tgi_emulator.faults import tool_faults
from tgi_emulator.source import gbnf, schema_fill
from tgi_emulator.source.scripted_answers import answer
from tgi_emulator.source.text import TextError
from tgi_emulator.source.tools import parse_output, read_call, schema_for, settled

SCHEMAS: list[dict[str, Any]] = [
    {"type": "object", "properties": {"k": {"const": 'a"b'}, "n": {"enum": [41, 42]}}},
    {"properties": {"n": {"type": "integer", "minimum": 5, "maximum": 9}}, "required": ["n"]},
    {"properties": {"n": {"type": "number", "exclusiveMinimum": 5}}},
    {"properties": {"s": {"type": "string", "minLength": 12}}, "required": ["s"]},
    {"properties": {"s": {"type": "string", "pattern": "^[A-Z]{3}-\\d{2}$"}}},
    {"properties": {"a": {"type": "array", "items": {"type": "boolean"}, "minItems": 2}}},
    {"properties": {"o": {"type": "object", "properties": {"x": {"type": "null"}}}}},
    {"properties": {"u": {"anyOf": [{"type": "integer"}, {"type": "string"}]}}},
    {"properties": {"r": {"$ref": "#/$defs/c"}}, "$defs": {"c": {"enum": ["red"]}}},
    {"properties": {"m": {"type": ["string", "null"]}}},
    {"properties": {"t": {"prefixItems": [{"const": 1}, {"type": "boolean"}]}}},
]


@pytest.mark.parametrize("schema", SCHEMAS)
def test_the_filler_fulfils_the_schema(schema: dict[str, Any]) -> None:
    value = json.loads(schema_fill.fill(schema, "Tell me about Paris in 3 words."))
    jsonschema.Draft202012Validator(schema).validate(value)
    assert value


#: As a gateway asks for JSON mode: classes that are bounded by what they may not hold.
OBJECT = r'\{[ ]?("([^"\\\x00-\x1f\x7f-\x9f]|\\["\\/bfnrt])*"[ ]?:[ ]?(true|-?[0-9]+))?\}'


@pytest.mark.parametrize(
    "pattern", ["[0-9]{4}-[0-9]{2}", "(yes|no)!?", "a.c\\s\\w+", "[^ab]x*", OBJECT]
)
def test_the_filler_matches_regular_expressions(pattern: str) -> None:
    assert re.fullmatch(pattern, schema_fill.match_for(pattern))


def test_bad_patterns_and_references_are_generation_errors() -> None:
    for unread, pattern in ((schema_fill.match_for, "("), (gbnf.of_regex, "[a")):
        with pytest.raises(TextError) as said:
            unread(pattern)
        assert str(said.value) == ""
    with pytest.raises(TextError, match="Unresolvable reference"):
        schema_fill.fill({"properties": {"a": {"$ref": "#/$defs/none"}}}, "")
    with pytest.raises(TextError, match="nested too deeply"):
        schema_fill.fill({"properties": {"a": {"$ref": "#"}}}, "")
    with pytest.raises(TextError, match="nested too deeply"):
        gbnf.of_schema({"properties": {"a": {"$ref": "#"}}})


def test_the_grammar_keeps_order_and_makes_the_rest_optional() -> None:
    schema = {
        "properties": {"a": {"type": "string"}, "b": {"const": 1}, "c": {"type": "integer"}},
        "required": ["b"],
    }
    root = gbnf.of_schema(schema).splitlines()[0]
    assert root == (
        'root ::= "{" ws ("\\"a\\"" ":" ws string "," ws)? "\\"b\\"" ":" ws "1"'
        ' ("," ws "\\"c\\"" ":" ws integer)? ws "}"'
    )


def test_regular_expressions_become_grammar() -> None:
    assert gbnf.of_regex("[0-9]{4}-(a|b)+") == ('root ::= ([0-9]){4,4} "-" (([ab])){1,}\n')
    assert gbnf.of_regex("[^\\x00-\\x1f\\\\]") == r"root ::= [^\x00-\x1f\\]" + "\n"
    assert gbnf.of_regex("x\\d?") == 'root ::= "x" ([0-9]){0,1}\n'
    with pytest.raises(TextError):
        gbnf.of_regex("(?=a)b")


def _tool(name: str, description: str) -> dict[str, Any]:
    arguments = {"type": "object", "properties": {"city": {"type": "string"}}}
    return {"function": {"name": name, "description": description, "arguments": arguments}}


def test_the_script_picks_the_tool_that_fits() -> None:
    tools = [_tool("send_mail", "Send a letter"), _tool("get_weather", "Weather of a city")]
    said = schema_fill.fill(schema_for(tools), "What is the weather in Rome?")
    assert parse_output(said) == ("get_weather", {"city": "Rome"})
    no_tool = {"function": {"name": "no_tool", "description": "", "arguments": {}}}
    said = schema_fill.fill(schema_for([*tools, no_tool]), "Hello!")
    assert parse_output(said)[0] == "no_tool"
    assert read_call(said[:-3]) is None
    assert "additionalProperties" in json.dumps(schema_for(tools))


def test_after_a_tools_answer_no_other_call_is_made_unforced() -> None:
    weather = _tool("get_weather", "Weather of a city")
    no_tool = {"function": {"name": "no_tool", "description": "", "arguments": {}}}
    asked = [("user", "What is the weather in Rome?")]
    answered = [*asked, ("assistant", "[]"), ("tool", "21 degrees")]
    free, forced = schema_for([weather, no_tool]), schema_for([weather])
    assert settled(free, asked) == free
    assert settled(forced, answered) == forced
    said = schema_fill.fill(settled(free, answered), asked[0][1])
    assert parse_output(said) == ("no_tool", {})
    assert "get_weather" not in gbnf.of_schema(settled(free, answered))
    assert gbnf.of_text('a "b"\n') == 'root ::= "a \\"b\\"\\n"\n'


@pytest.mark.parametrize(
    "arguments",
    [
        {"type": "object", "properties": {"a": {"type": "boolean"}, "b": {"type": "string"}}},
        {"type": "object", "properties": {"a": {"enum": [False, "wrong"]}}},
        {"type": "object", "properties": {}, "additionalProperties": False},
    ],
)
def test_misguided_calls_break_the_tools_schema(arguments: dict[str, Any]) -> None:
    tool = {"type": "function", "function": {"name": "f", "arguments": arguments}}
    misguided = tool_faults.misguide([tool])
    _, given = parse_output(schema_fill.fill(schema_for(misguided), "Do f."))
    assert isinstance(given, dict)
    assert not jsonschema.Draft202012Validator(arguments).is_valid(given)


@pytest.mark.parametrize(
    ("question", "said"),
    [
        ("Name the capital of France.", "The capital of France is Paris."),
        ("What is 17 plus 4?", "17 plus 4 is 21."),
        ("Reply with exactly PONG", "PONG"),
        ("Repeat the following text: naïve 日本語 🚢", "naïve 日本語 🚢"),
        ("What colour is a banana?", "A banana is yellow."),
    ],
)
def test_known_answers(question: str, said: str) -> None:
    assert answer([("user", question)]) == said


def test_open_prompts_get_long_varied_repeatable_text() -> None:
    first, second = answer([("user", "Tell me of rain.")]), answer([("user", "Tell me of snow.")])
    assert first == answer([("user", "Tell me of rain.")]) != second
    words = first.lower().replace(".", "").split()
    assert len(words) == 200
    assert len({tuple(words[i : i + 4]) for i in range(197)}) > 190
