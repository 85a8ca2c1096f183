"""RubberDuck's calls at a gateway, as its provider for TGI makes them, which the dialect spares.

That its way to read loses no word is shown in tests/live/gateway/test_streams.py.
"""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.support.live.endpoints import Endpoint

CHAT: dict[str, Any] = {
    "model": "scribe",
    "messages": [{"role": "user", "content": "What is the weather in Paris?"}],
    "max_tokens": 60, "temperature": 0, "top_p": 0.9, "frequency_penalty": 0.1,
}  # fmt: skip
TOOL = {
    "type": "function",
    "function": {
        "name": "get_weather",
        "description": "Weather of a city",
        "parameters": {
            "type": "object",
            "properties": {"city": {"type": "string"}},
            "required": ["city"],
        },
    },
}
TOOLS = {"tools": [TOOL], "tool_choice": "required"}
PROMPT = {"inputs": "Say exactly: one two", "parameters": {"max_new_tokens": 8}}


def test_health_needs_no_key(endpoint: Endpoint) -> None:
    with endpoint.client() as client:
        assert client.get("/health").status_code == 200


def test_an_answer_keeps_the_engines_words_and_counts(endpoint: Endpoint) -> None:
    with endpoint.client(endpoint.key) as client:
        answer = client.post("/v1/chat/completions", json={**CHAT, "stream": False}).json()
        called = client.post("/v1/chat/completions", json={**CHAT, **TOOLS}).json()
    assert answer["choices"][0]["message"]["content"]
    assert answer["usage"]["completion_tokens"] > 1
    (call,) = called["choices"][0]["message"]["tool_calls"]
    assert json.loads(call["function"]["arguments"]) == {"city": "Paris"}


@pytest.mark.parametrize("more", [{}, TOOLS], ids=["text", "tools"])
def test_a_stream_has_the_whole_text_or_call(endpoint: Endpoint, more: dict[str, Any]) -> None:
    body = {**CHAT, **more, "stream": True}
    with (
        endpoint.client(endpoint.key) as client,
        client.stream("POST", "/v1/chat/completions", json=body) as answer,
    ):
        text = b"".join(answer.iter_raw()).decode()
    events = [one.removeprefix("data:").strip() for one in text.split("\n\n") if "data:" in one]
    assert events[-1] == "[DONE]"
    deltas = [json.loads(one)["choices"][0]["delta"] for one in events[:-1]
              if json.loads(one)["choices"]]  # fmt: skip
    if more:
        calls = [call for one in deltas for call in one.get("tool_calls") or []]
        arguments = "".join(call["function"].get("arguments") or "" for call in calls)
        assert json.loads(arguments) == {"city": "Paris"}
    else:
        assert len([one for one in deltas if one.get("content")]) > 5


@pytest.mark.parametrize("path", ["/generate", "/generate_stream"])
def test_native_prompts_go_through_as_they_are(endpoint: Endpoint, path: str) -> None:
    with endpoint.client(endpoint.key) as client:
        answer = client.post(f"/models/scribe{path}", json=PROMPT)
        refused = client.post(f"/models/scribe{path}", json={**PROMPT, "inputs": ""})
    assert "one" in answer.text and answer.status_code == 200
    # Not in OpenAI's form
    assert '"error_type":"validation"' in refused.text
