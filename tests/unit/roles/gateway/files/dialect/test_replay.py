"""Test replays: to OpenAI's own client, a replayed stream says the same as the whole answer."""

from __future__ import annotations

import json
from typing import Any

import pytest
from openai.lib.streaming.chat import ChatCompletionStreamState
from openai.types.chat import ChatCompletion, ChatCompletionChunk

from tests.support.gateway.dialect import CHAT, FRESH, NJS, ask

pytestmark = pytest.mark.skipif(NJS is None, reason="njs is not installed")

_USAGE = {"prompt_tokens": 9, "completion_tokens": 4, "total_tokens": 13}
_HEAD = {"id": "", "created": 1764000000, "model": "m", "system_fingerprint": "3.3.6-dev0-native"}
_LOGPROBS = {"content": [{"token": "a", "logprob": -0.5, "top_logprobs": []}]}


def _call(name: str, arguments: Any = '{"a": "}é\\n"}') -> dict[str, Any]:
    function = {"description": None, "name": name, "arguments": arguments}
    return {"id": "0", "type": "function", "function": function}


def _whole(message: dict[str, Any], reason: str = "stop", logprobs: Any = None) -> str:
    choice = {"index": 0, "message": {"role": "assistant", **message}, "logprobs": logprobs}
    choices = [{**choice, "finish_reason": reason}]
    made = {"object": "chat.completion", **_HEAD, "choices": choices, "usage": _USAGE}
    return json.dumps(made, separators=(",", ":"), ensure_ascii=False)


#: By name: the engine's message, its reason, log-probabilities
ANSWERS: dict[str, tuple[dict[str, Any], str, Any]] = {
    "a text": ({"content": 'said "é" 😀\n'}, "eos_token", None),
    "no text": ({"content": ""}, "length", None),
    "a text with a stop": ({"content": "a 4"}, "stop_sequence", _LOGPROBS),
    "a call": ({"tool_calls": [_call("f")]}, "stop", None),
    "two calls": ({"tool_calls": [_call("f"), _call("g", "{}")]}, "stop", None),
    "a call that was cut": ({"tool_calls": [_call("f", "")]}, "length", None),
}


@pytest.mark.parametrize("name", ANSWERS)
def test_a_replay_joins_to_the_whole_answer(name: str) -> None:
    message, reason, logprobs = ANSWERS[name]
    given = _whole(message, reason, logprobs)
    plan = {"route": CHAT, "stop": ["4"], "usage": True}
    whole = ChatCompletion.model_validate_json(ask("answers", "answer", [[given, plan, FRESH]])[0])
    text = ask("replay", "", [[given, plan, FRESH]])[0]
    events = text.split("\n\n")
    assert events[-2:] == ["data: [DONE]", ""]
    state = ChatCompletionStreamState()
    chunks = [ChatCompletionChunk.model_validate_json(one[6:]) for one in events[:-2]]
    for chunk in chunks:
        state.handle_chunk(chunk)
    joined = state.current_completion_snapshot
    assert joined.id == whole.id
    assert joined.usage == whole.usage
    one, other = joined.choices[0], whole.choices[0]
    assert one.finish_reason == other.finish_reason
    assert (one.message.content or "") == (other.message.content or "")
    assert [
        (call.id, call.type, call.function.name, call.function.arguments)
        for call in one.message.tool_calls or []
        if call.type == "function"
    ] == [
        (call.id, call.type, call.function.name, call.function.arguments)
        for call in other.message.tool_calls or []
        if call.type == "function"
    ]
    assert [chunk.choices[0].finish_reason for chunk in chunks if chunk.choices][:-1] == [None] * (
        len(chunks) - 2
    )


def test_usage_comes_only_if_it_was_asked_for() -> None:
    text = ask("replay", "", [[_whole({"content": "a"}), {"route": CHAT}, FRESH]])[0]
    assert "usage" not in text


def test_arguments_that_are_an_object_become_a_text() -> None:
    given = _whole({"tool_calls": [_call("f", {"a": 1.0})]})
    text = ask("replay", "", [[given, {"route": CHAT}, FRESH]])[0]
    assert '"arguments":"{\\"a\\":1.0}"' in text


def test_a_call_with_many_escapes_is_replayed() -> None:
    given = _whole({"tool_calls": [_call("f", json.dumps({"a": '"\\' * 60_000}))]})
    text = ask("replay", "", [[given, {"route": CHAT}, FRESH]])[0]
    assert text.endswith("data: [DONE]\n\n")
