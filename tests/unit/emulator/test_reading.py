"""Check the reading of bodies against serde's own answers, and on bodies that are made up."""

from __future__ import annotations

import json
import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tgi_emulator.api import wire, wire_chat
from tgi_emulator.reading.buffer import Buffered
from tgi_emulator.reading.fault import Fault
from tgi_emulator.reading.media_type import is_json
from tgi_emulator.reading.serde import Reader, anything
from tgi_emulator.reading.text import Text

from tests.support.emulator import FACTS

TYPES: dict[str, Reader] = {
    "generate": wire.generate,
    "compat": wire.compat,
    "chat": wire_chat.chat,
    "completion": wire.completion,
    "sagemaker": wire_chat.invocation,
    "vertex": wire_chat.vertex,
}
CASES = json.loads((FACTS / "body-words.json").read_text())
KEYS = st.sampled_from([*wire.PARAMETERS, "inputs", "messages", "prompt", "type", "value"])
NUMBERS = st.integers(-(2**70), 2**70) | st.floats(allow_nan=False)
VALUES = st.recursive(
    st.none() | st.booleans() | NUMBERS | st.text(),
    lambda one: st.lists(one, max_size=3) | st.dictionaries(KEYS | st.text(), one, max_size=4),
)
INFINITE = (math.inf, -math.inf)


def read(reader: Reader, raw: bytes) -> tuple[int, str]:
    try:
        reader(Text(raw))
    except Fault as fault:
        return 400 if fault.syntax else 422, fault.told(raw)
    return 200, ""


@pytest.mark.parametrize("name", TYPES)
def test_every_body_is_answered_as_serde_answers_it(name: str) -> None:
    cases = [(body, (status, words)) for kind, body, status, words in CASES if kind == name]
    assert len(cases) > 6
    told = [(body, read(TYPES[name], body.encode("latin1"))) for body, _ in cases]
    assert told == cases


def test_values_are_read() -> None:
    body = (
        b'{"inputs":"\\ud83d\\ude00","parameters":{"seed":18446744073709551615,"temperature":0.1}}x'
    )
    request = wire.generate(Text(body))
    assert request["inputs"] == "\N{GRINNING FACE}"
    assert request["parameters"]["seed"] == 2**64 - 1
    assert request["parameters"]["temperature"] == pytest.approx(0.1)
    assert request["parameters"]["do_sample"] is False
    assert wire.generate(Text(b'["a"]'))["parameters"]["do_sample"] is True


def test_floats_have_32_bits() -> None:
    body = b'{"inputs":"a","parameters":{"top_p":0.99999999999,"temperature":1e300}}'
    parameters = wire.generate(Text(body))["parameters"]
    assert (parameters["top_p"], parameters["temperature"]) == (1.0, math.inf)


def test_a_message_takes_its_text_from_chunks_or_calls() -> None:
    chunks: list[Any] = [["text", "a"], {"type": "image_url", "image_url": {"url": "u"}}]
    body = {
        "messages": [
            {"content": chunks, "role": "x"},
            {"role": "y", "content": None, "tool_calls": [
                {"id": "7", "type": "function", "function": {"name": "f", "parameters": {"a": 1}}}
            ]},
        ]
    }  # fmt: skip
    first, second = wire_chat.chat(Text(json.dumps(body).encode()))["messages"]
    assert (first.role, first.text) == ("x", "a![](u)")
    assert second.call_ids == ("7",)
    assert json.loads(second.text)[0]["function"]["arguments"] == '{"a":1}'


@given(VALUES, st.sampled_from([None, 1, "\t"]), st.booleans())
def test_json_is_read_as_any_other_reader_does(value: Any, indent: Any, ascii_only: bool) -> None:
    if any(one in INFINITE for one in _floats(value)):
        return
    try:
        raw = json.dumps(value, indent=indent, ensure_ascii=ascii_only).encode()
    except UnicodeEncodeError:
        return
    found = anything(Text(raw + b" ]"))
    # serde_json makes floats of what a u64 or an i64 does not hold, off by a last digit
    assert _rounded(found) == _rounded(json.loads(raw))


def _floats(value: Any) -> list[float]:
    if isinstance(value, dict):
        value = list(value.values())
    if isinstance(value, list):
        return [one for inner in value for one in _floats(inner)]
    return [value] if isinstance(value, float) else []


def _rounded(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _rounded(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [_rounded(inner) for inner in value]
    held = not isinstance(value, float) and isinstance(value, int) and -(2**63) <= value < 2**64
    return value if value is None or isinstance(value, str) or held else f"{float(value):.12g}"


@given(st.sampled_from(sorted(TYPES)), st.binary(max_size=40), VALUES, st.integers(0, 400))
def test_nothing_but_a_fault_comes_of_a_broken_body(
    name: str, junk: bytes, value: Any, cut: int
) -> None:
    text = json.dumps(value).encode(errors="surrogatepass")
    for raw in (junk, text[:cut] + junk + text[cut:], text[:cut]):
        try:
            TYPES[name](Text(raw))
        except Fault as fault:
            assert fault.at is None or 0 <= fault.at <= len(raw)


@given(st.sampled_from(["generate", "compat", "chat", "completion"]), st.dictionaries(KEYS, VALUES))
def test_what_is_taken_from_the_text_is_taken_from_a_buffer(name: str, body: Any) -> None:
    """As `/invocations` does: the same types, read from what was put aside."""
    raw = json.dumps(body).encode(errors="surrogatepass")
    try:
        taken = TYPES[name](Text(raw))
    except Fault:
        return
    assert repr(TYPES[name](Buffered(Text(raw).any()))) == repr(taken)


@pytest.mark.parametrize(
    ("content_type", "taken"),
    [
        ("application/json", True),
        ("Application/JSON; charset=utf-8", True),
        ("application/json;", True),
        ('application/json; a="b;c" ; d=e', True),
        ("application/vnd.x+json;charset=x", True),
        ("application/json+xml", True),
        ("application/json ; charset=utf-8", False),
        ("application/json, text/plain", False),
        ("application/json; charset", False),
        ("application/x-json", False),
        ("text/json", False),
        ("json", False),
        ("", False),
    ],
)
def test_content_types(content_type: str, taken: bool) -> None:
    assert is_json(content_type) is taken
