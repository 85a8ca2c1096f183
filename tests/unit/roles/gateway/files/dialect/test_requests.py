"""Test requests: what TGI would refuse or misread is written anew, all else stays as it is."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.support.gateway.dialect import CHAT, COMPLETIONS, NJS, ask, request

pytestmark = pytest.mark.skipif(NJS is None, reason="njs is not installed")

_TOOL = {"type": "function", "function": {"name": "f", "parameters": {"type": "object"}}}
_SHARED = {
    "type": "object",
    "properties": {"unit": {"$ref": "#/$defs/Unit"}},
    "$defs": {"Unit": {"enum": ["C", "F"]}},
}
_PLAIN = {"type": "object", "properties": {"unit": {"enum": ["C", "F"]}}}


def _tool(parameters: Any) -> dict[str, Any]:
    return {"type": "function", "function": {"name": "f", "parameters": parameters}}


def _schema(schema: Any, **more: Any) -> dict[str, Any]:
    return {"type": "json_schema", "json_schema": {"name": "x", "schema": schema, **more}}


#: By name: route, what is sent, what the engine gets in its place
CHANGED: dict[str, tuple[str, dict[str, Any], dict[str, Any]]] = {
    "a stop that is a text": (CHAT, {"stop": "\n"}, {"stop": ["\n"]}),
    "the same in completions": (COMPLETIONS, {"stop": "x"}, {"stop": ["x"]}),
    "an empty bias": (CHAT, {"logit_bias": {}}, {"logit_bias": None}),
    "no tools": (CHAT, {"tools": []}, {"tools": None}),
    "a format that is text": (
        CHAT,
        {"response_format": {"type": "text"}},
        {"response_format": None},
    ),
    "OpenAI's json_schema": (
        CHAT,
        {"response_format": _schema(_PLAIN, strict=True)},
        {"response_format": {"type": "json_schema", "value": {"name": "x", "schema": _PLAIN}}},
    ),
    "json_schema with references": (
        CHAT,
        {"response_format": _schema(_SHARED)},
        {"response_format": {"type": "json_schema", "value": {"name": "x", "schema": _PLAIN}}},
    ),
    "a schema without a name": (
        CHAT,
        {"response_format": {"type": "json_schema", "json_schema": {"schema": _PLAIN}}},
        {
            "response_format": {
                "type": "json_schema",
                "value": {"name": "response", "schema": _PLAIN},
            }
        },
    ),
    "tools with references": (CHAT, {"tools": [_tool(_SHARED)]}, {"tools": [_tool(_PLAIN)]}),
    "a type that is a list": (
        CHAT,
        {"tools": [_tool({"properties": {"a": {"type": ["boolean", "null"]}}})]},
        {
            "tools": [
                _tool({"properties": {"a": {"anyOf": [{"type": "boolean"}, {"type": "null"}]}}})
            ]
        },
    ),
    "all tokens, as OpenAI writes it": (CHAT, {"top_p": 1}, {"top_p": None}),
    "all tokens of completions": (COMPLETIONS, {"top_p": 1.0}, {"top_p": None}),
    "no penalty": (CHAT, {"presence_penalty": 0}, {"presence_penalty": None}),
    "a stream that may be": (CHAT, {"stream": None}, {"stream": False}),
    "options of a stream that may be": (
        CHAT,
        {"stream": True, "stream_options": None},
        {"stream": True, "stream_options": {"include_usage": False}},
    ),
    "streamed tools": (
        CHAT,
        {"stream": True, "stream_options": {"include_usage": True}, "tools": [_TOOL]},
        {"stream": False, "stream_options": {"include_usage": False}, "tools": [_TOOL]},
    ),
}


@pytest.mark.parametrize("name", CHANGED)
def test_the_engine_gets_a_request_in_its_own_words(name: str) -> None:
    route, given, wanted = CHANGED[name]
    more = {"messages": [{"role": "user", "content": 'hé \\u0041 "stop": {'}], "temperature": 1.0}
    answer = request(route, {**more, **given})
    assert json.loads(answer["text"]) == {**more, **wanted}
    assert list(json.loads(answer["text"])) == [*more, *wanted]


#: What goes on byte for byte, though it has a key of the table
KEPT: dict[str, tuple[str, str]] = {
    "a list of stops": (CHAT, '{"stop": ["a", "b"]}'),
    "no stop": (CHAT, '{"stop":null}'),
    "one answer": (CHAT, '{"n":1}'),
    "most tokens": (CHAT, '{"top_p":0.99}'),
    "TGI's penalty of repetitions": (CHAT, '{"presence_penalty":-0.9}'),
    "no penalty at all": (CHAT, '{"presence_penalty":null,"top_p":null}'),
    "a stream": (CHAT, '{"stream":true,"stream_options":{"include_usage":true}}'),
    "no functions": (CHAT, '{"functions":[ ]}'),
    "no bias": (CHAT, '{"logit_bias":null}'),
    "TGI's bias": (CHAT, '{"logit_bias":[1.0]}'),
    "TGI's json": (CHAT, '{"response_format":{"type":"json","value":{"properties":{}}}}'),
    "TGI's json_object": (
        CHAT,
        '{"response_format":{"type":"json_object","value":{"properties":{}}}}',
    ),
    "TGI's regex": (CHAT, '{"response_format":{"type":"regex","value":"a"}}'),
    "TGI's json_schema": (CHAT, '{"response_format":{"type":"json_schema","value":{"name":"x"}}}'),
    "an unknown format": (CHAT, '{"response_format":{"type":"xml"}}'),
    "tools that need nothing": (CHAT, json.dumps({"tools": [_TOOL]})),
    "tools that are not used, streamed": (
        CHAT,
        json.dumps({"stream": True, "tools": [_TOOL], "tool_choice": "none"}),
    ),
    "tools that are no tools": (CHAT, '{"tools":[' + "[" * 100 + "]" * 100 + "]}"),
    "a key within a text": (CHAT, '{"messages":[{"content":"\\",\\"n\\":2,"}]}'),
    "a key further in": (CHAT, '{"metadata":{"n":2,"stop":"x"}}'),
    "what is no JSON": (CHAT, '{"stop": "a'),
    "a list": (CHAT, '[{"stop":"a"}]'),
    "nothing": (CHAT, ""),
    "completions with a format": (COMPLETIONS, '{"response_format":{"type":"text"}}'),
    "completions without log-probabilities": (COMPLETIONS, '{"logprobs":null,"echo":false}'),
}


@pytest.mark.parametrize("name", KEPT)
def test_a_request_that_needs_nothing_stays_as_it_is(name: str) -> None:
    route, text = KEPT[name]
    assert request(route, text)["text"] is None


#: By name: route, request, the parameter and words of the refusal
REFUSED: dict[str, tuple[str, dict[str, Any], str | None, str]] = {
    "two answers": (CHAT, {"n": 2}, "n", "ask several times"),
    "two completions": (COMPLETIONS, {"n": 2}, "n", "ask several times"),
    "the best of two": (COMPLETIONS, {"best_of": 2}, "best_of", "leave it out"),
    "a penalty": (CHAT, {"presence_penalty": 0.5}, "presence_penalty", "frequency_penalty"),
    "the probabilities of no other": (COMPLETIONS, {"logprobs": 0}, "logprobs", CHAT),
    "an echo": (COMPLETIONS, {"echo": True}, "echo", "leave echo out"),
    "log-probabilities of completions": (COMPLETIONS, {"logprobs": 3}, "logprobs", CHAT),
    "a bias": (CHAT, {"logit_bias": {"50256": -100}}, "logit_bias", "leave it out"),
    "functions": (CHAT, {"functions": [{"name": "f"}]}, "functions", "write them as tools"),
    "a function call": (CHAT, {"function_call": "auto"}, "function_call", "tool_choice"),
    "an empty stop": (CHAT, {"stop": ""}, "stop", "leave the empty one out"),
    "a long stop": (CHAT, {"stop": ["x" * 1001]}, "stop", "write a shorter one"),
    "a format without a schema": (
        CHAT,
        {"response_format": {"type": "json_schema", "json_schema": {"name": "x"}}},
        "response_format",
        "has no schema",
    ),
    "a list as the answer": (
        CHAT,
        {"response_format": _schema({"type": "array", "items": {"type": "string"}})},
        "response_format",
        "an object with properties",
    ),
    "a format and tools": (
        CHAT,
        {"response_format": {"type": "json_object"}, "tools": [_TOOL]},
        "response_format",
        "leave one of them out",
    ),
    "a recursive tool": (
        CHAT,
        {"tools": [_tool({"properties": {"child": {"$ref": "#"}}})]},
        "tools",
        'The schema of tool "f" refers to itself at "#"',
    ),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_the_engine_cannot_do_is_refused_in_words(name: str) -> None:
    route, body, param, words = REFUSED[name]
    answer = request(route, body)
    assert answer["refused"]["param"] == param
    assert words in answer["refused"]["message"]
    assert answer["refused"]["code"]


def test_a_refusal_ends_with_what_to_write_instead() -> None:
    for route, body, _, _ in REFUSED.values():
        message = request(route, body)["refused"]["message"]
        assert message[0].isupper() and message.endswith(".") and ":" in message


def test_every_key_of_the_table_is_one_that_is_looked_for() -> None:
    keys = ask("keys", "tgi", [[]])[0]
    for route, body in [(route, body) for route, body, _ in CHANGED.values()] + [
        (route, body) for route, body, _, _ in REFUSED.values()
    ]:
        assert set(body) & set(keys[route]["keys"]), body


def test_numbers_and_spelling_outside_a_change_stay() -> None:
    text = (
        ' {"seed" : 12345678901234567890, "temperature": 1.0,\n"x":1e400, "\\u0073top":"\\u00e9",'
        '"é":"\\ud83d\\ude00"} trailing'
    )
    assert request(CHAT, text)["text"] == text.replace('"\\u00e9"', '["\\u00e9"]')


def test_numbers_inside_a_rewritten_schema_stay() -> None:
    text = (
        '{"tools":[{"type":"function","function":{"name":"f","parameters":{"properties":{"a":'
        '{"type":["number","null"],"minimum":-0.0,"maximum":1E400,"default":12345678901234567890'
        ',"description":"1.0, 2e5 \\" -0"}}}}}]}'
    )
    answer = request(CHAT, text)["text"]
    for number in ('"minimum":-0.0,', '"maximum":1E400', '"default":12345678901234567890'):
        assert number in answer
    assert "1.0, 2e5 \\" in answer


def test_the_plan_has_what_the_answer_needs() -> None:
    asked = {"stop": ["a"], "stream": True, "tools": [_TOOL]}
    assert request(CHAT, asked)["plan"] == {
        "route": CHAT,
        "stop": ["a"],
        "tools": True,
        "replay": True,
    }
    assert request(CHAT, asked, live=True) == {
        "text": None,
        "plan": {"route": CHAT, "stop": ["a"], "tools": True},
    }
    usage = {"stream": True, "tools": [_TOOL], "stream_options": {"include_usage": True}}
    assert request(CHAT, usage)["plan"]["usage"] is True
    assert request(CHAT, {"stop": "x"})["plan"] == {"route": CHAT, "stop": ["x"]}


#: Tools that need no change, and would be refused or too long if they were read for one
UNTOUCHED = {
    "a name that would vanish": '{"parameters":{"properties":{"__proto__":{"type":"null"}}}}',
    "more parts than a translation may have": json.dumps({"parameters": {"anyOf": [{}] * 4100}}),
    "a long text": json.dumps({"description": "x" * 131_072}),
    "no parameters": json.dumps({"parameters": None, "arguments": _SHARED}),
}


@pytest.mark.parametrize("name", UNTOUCHED)
def test_a_tool_beside_one_that_needs_a_change_stays(name: str) -> None:
    sent = '{"tools":[{"function":%s},{"function":{"name":"f","parameters":%s}}]}'
    answer = request(CHAT, sent % (UNTOUCHED[name], json.dumps(_SHARED)))
    assert json.loads(answer["text"]) == json.loads(sent % (UNTOUCHED[name], json.dumps(_PLAIN)))


def test_the_words_of_a_tool_do_not_count_as_its_schema() -> None:
    words = {"description": "x" * 131_072}
    answer = request(CHAT, {"tools": [{"function": {"parameters": _SHARED, **words}}]})
    wanted = {"tools": [{"function": {"parameters": _PLAIN, **words}}]}
    assert json.loads(answer["text"]) == wanted


def test_a_long_conversation_in_json_is_read() -> None:
    """An agent's tools answer so, and a context of 128k tokens has room for this."""
    said = json.dumps([{"name": "n", "value": "v"}] * 12_000)
    tools = [_tool(_SHARED)]
    body = {"messages": [{"role": "tool", "content": said}], "tools": tools, "stop": "x"}
    answer = json.loads(request(CHAT, json.dumps(body))["text"])
    assert len(json.dumps(body)) > 400_000
    assert answer == {**body, "tools": [_tool(_PLAIN)], "stop": ["x"]}


#: Bodies that would keep a worker busy
HOSTILE = {
    "brackets": '{"a":' + "[" * 150_000,
    "backslashes": '{"a":"' + "\\" * 190_000 + '"}',
    "short texts": '{"a":[' + '"",' * 60_000 + "1]}",
    "numbers": '{"a":[' + "1," * 900_000 + "1]}",
    "escaped quotes": '{"a":"' + '\\"' * 500_000 + '"}',
    "blanks": '{"a":' + " " * 1_900_000 + "1}",
    "members": "{" + ",".join(f'"k{i}":1' for i in range(60_000)) + "}",
}


@pytest.mark.parametrize("name", HOSTILE)
def test_a_body_that_costs_too_much_is_refused_or_left_alone(name: str) -> None:
    answer = request(CHAT, HOSTILE[name])
    if "refused" in answer:
        assert answer["refused"]["code"] == "request_too_complex"
        assert answer["refused"]["message"].endswith("make it smaller.")
    else:
        assert answer["text"] is None
