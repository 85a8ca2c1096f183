"""Test the judge of JSON's beginnings, by a table and by random white space and damage."""

from __future__ import annotations

import json
from typing import Any

import pytest
from ansible.module_utils.tgi.checks.judges.guided_output import const_form, nested_form
from ansible.module_utils.tgi.checks.judges.json_prefix import (
    BEGUN,
    ENDLESS,
    WHOLE,
    WRONG,
    is_endless_space,
    judge_beginning,
)
from hypothesis import given
from hypothesis import strategies as st
from jsonschema import Draft7Validator

from tests.support.checks.fuzz import examples

CONST, NESTED = const_form("kfdzqw").schema, nested_form("kfdzqw").schema
WEATHER: dict[str, Any] = {
    "type": "object",
    "properties": {
        "city": {"type": "string"},
        "unit": {"type": "string", "enum": ["celsius", "fahrenheit"]},
        "days": {"type": "integer"},
        "wind": {"type": ["number", "null"]},
        "near": {"type": "array", "items": {"type": "string"}, "maxItems": 2},
        "more": {"anyOf": [{"type": "boolean"}, {"const": 7}]},
    },
    "required": ["city", "unit"],
    "additionalProperties": False,
}
GOOD = '{"k": "kfdzqw", "n": 41}'


@pytest.mark.parametrize(
    ("text", "schema", "said"),
    [
        ("", CONST, BEGUN),
        (" \n\t", CONST, BEGUN),
        (GOOD, CONST, WHOLE),
        (f"\n {GOOD} \n", CONST, WHOLE),
        (f"{GOOD}x", CONST, WRONG),
        ('{ "k" \n : "kf', CONST, BEGUN),
        ('{"n": 4', CONST, BEGUN),
        ('{"n": 41', CONST, BEGUN),
        ('{"n": 43', CONST, WRONG),
        ('{"n": 4,', CONST, WRONG),
        ('{"n": 42, "k": "kfdzqw"}', CONST, WHOLE),
        ('{"n": "4', CONST, WRONG),
        ('{"n": tr', CONST, WRONG),
        ('{"k": "kfdx', CONST, WRONG),
        ('{"k": "\\u006b', CONST, BEGUN),
        ('{"k": "\\u006', CONST, BEGUN),
        ('{"k": "kf\\', CONST, BEGUN),
        ('{"k": "\\x', CONST, WRONG),
        ('{"k": "kfdzqw"}', CONST, WRONG),
        ('{"k": "kfdzqw", "k', CONST, WRONG),
        ('{"k": "kfdzqw", "n": 41,', CONST, WRONG),
        ('{"x', CONST, WRONG),
        ("{}", CONST, WRONG),
        ("{,", CONST, WRONG),
        ("[", CONST, WRONG),
        ("Certainly", CONST, WRONG),
        ("```json", CONST, WRONG),
        ('{"in": {', NESTED, BEGUN),
        ('{"in": []', NESTED, WRONG),
        ('{"of": [ "S" ,', NESTED, BEGUN),
        ('{"of": ["S"]', NESTED, WRONG),
        ('{"of": []', NESTED, WRONG),
        ('{"of": ["S", "M", ', NESTED, WRONG),
        ('{"of": ["L', NESTED, WRONG),
        ('{"city": "Nairobi \ud83d', WEATHER, BEGUN),
        ('{"city": "\n', WEATHER, WRONG),
        ('{"unit": "fahr', WEATHER, BEGUN),
        ('{"unit": "kel', WEATHER, WRONG),
        ('{"days": -', WEATHER, BEGUN),
        ('{"days": 1.', WEATHER, WRONG),
        ('{"days": 01', WEATHER, WRONG),
        ('{"days": 1' + "0" * 5000 + ",", WEATHER, WRONG),
        ('{"wind": 1.5e', WEATHER, BEGUN),
        ('{"wind": nul', WEATHER, BEGUN),
        ('{"wind": nil', WEATHER, WRONG),
        ('{"wind": NaN', WEATHER, WRONG),
        ('{"near": [], "more": fal', WEATHER, BEGUN),
        ('{"near": ["a", "b", "', WEATHER, WRONG),
        ('{"more": 7, "city": "', WEATHER, BEGUN),
        ('{"more": 8', WEATHER, WRONG),
        ('{"a": [{"b": [1, "c', {}, BEGUN),
        ("[" * 100_000, {}, WRONG),
    ],
)
def test_a_beginning(text: str, schema: dict[str, Any], said: str) -> None:
    assert judge_beginning(text, schema) == said


@pytest.mark.parametrize(
    ("text", "endless"),
    [
        ("", True),
        ("\n" * 20, True),
        ("{" + " " * (ENDLESS - 1), False),
        ("{" + "\n\t" * ENDLESS, True),
        ("{" + " " * ENDLESS + '"k"', False),
    ],
)
def test_endless_white_space(text: str, endless: bool) -> None:
    assert is_endless_space(text) == endless


SPACES = st.text(alphabet=" \n\t\r", max_size=3)
VALUES = {
    "const": st.fixed_dictionaries({"k": st.just("kfdzqw"), "n": st.sampled_from([41, 42])}),
    "nested": st.fixed_dictionaries(
        {
            "in": st.just({"k": "kfdzqw"}),
            "of": st.lists(st.sampled_from("SM"), min_size=2, max_size=2),
        }
    ),
    "weather": st.fixed_dictionaries(
        {
            "city": st.text(max_size=6),
            "unit": st.sampled_from(["celsius", "fahrenheit"]),
        },
        optional={
            "days": st.integers(),
            "wind": st.none() | st.floats(allow_nan=False, allow_infinity=False),
            "near": st.lists(st.text(max_size=3), max_size=2),
            "more": st.booleans() | st.just(7),
        },
    ),
}
SCHEMAS = {"const": CONST, "nested": NESTED, "weather": WEATHER}


@st.composite
def renderings(draw: st.DrawFn) -> tuple[str, str]:
    """Return the name of a schema, and a text that fits it, with any white space and order."""
    name = draw(st.sampled_from(sorted(VALUES)))

    def write(value: Any) -> str:
        before, after = draw(SPACES), draw(SPACES)
        if isinstance(value, dict):
            keys = draw(st.permutations(list(value)))
            inner = ",".join(f"{write(key)}:{write(value[key])}" for key in keys)
            return f"{before}{{{inner or draw(SPACES)}}}{after}"
        if isinstance(value, list):
            return f"{before}[{','.join(map(write, value)) or draw(SPACES)}]{after}"
        return before + json.dumps(value, ensure_ascii=draw(st.booleans())) + after

    return name, write(draw(VALUES[name]))


@examples(400)
@given(renderings())
def test_every_prefix_of_a_text_that_fits_is_a_beginning(rendering: tuple[str, str]) -> None:
    name, text = rendering
    whole = text.rstrip(" \n\t\r")
    for length in range(len(text) + 1):
        said = judge_beginning(text[:length], SCHEMAS[name])
        assert said == (WHOLE if length >= len(whole) else BEGUN), text[:length]


@examples(400)
@given(renderings(), st.data())
def test_a_damaged_text_is_judged_as_the_whole_schema_judges_it(
    rendering: tuple[str, str], data: st.DataObject
) -> None:
    """A damaged text is whole if it still fits, or else one of its prefixes is the first WRONG."""
    name, text = rendering
    at = data.draw(st.integers(0, len(text) - 1))
    new = data.draw(st.sampled_from('{}[]:,"xS4- \\\n'))
    damaged = text[:at] + new + text[at + 1 :]
    said = judge_beginning(damaged, SCHEMAS[name])
    assert (said == WHOLE) == fits(damaged, SCHEMAS[name]), damaged
    if said == WRONG:
        # Nothing mends it: a longer text is wrong, too
        assert judge_beginning(damaged + data.draw(st.text(max_size=5)), SCHEMAS[name]) == WRONG


def fits(text: str, schema: dict[str, Any]) -> bool:
    """Return whether a text is JSON without a key twice, and fits."""

    def once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        if len({key for key, _ in pairs}) < len(pairs):
            raise ValueError("a key twice")
        return dict(pairs)

    def refused(word: str) -> Any:
        raise ValueError(word)

    try:
        value = json.loads(text, object_pairs_hook=once, parse_constant=refused)
    except ValueError:
        return False
    return bool(Draft7Validator(schema).is_valid(value))
