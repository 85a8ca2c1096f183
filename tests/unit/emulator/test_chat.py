"""The OpenAI routes in TGI's dialect: chat, tools, guided output, completions."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from tgi_emulator.api.errors import InferError
from tgi_emulator.api.rust_words import quoted
from tgi_emulator.source.tools import parse_output, read_call

from tests.support.emulator import App, events
from tests.support.emulator_process import MODEL

WEATHER = {
    "type": "function",
    "function": {
        "name": "get_weather",
        "description": "Current weather of a city",
        "parameters": {
            "type": "object",
            "properties": {"city": {"type": "string"}, "unit": {"enum": ["celsius", "kelvin"]}},
            "required": ["city", "unit"],
        },
    },
}
NONCE = {
    "type": "object",
    "properties": {"k": {"const": "n-17"}, "n": {"enum": [41, 42]}},
    "required": ["k", "n"],
}


@pytest.fixture
def app(tmp_path: Path) -> App:
    return App(tmp_path)


def chat(text: str = "Name the capital of France.", **given: Any) -> dict[str, Any]:
    return {"messages": [{"role": "user", "content": text}], "temperature": 0, **given}


def test_chat_answers_in_tgis_shape(app: App) -> None:
    body = app.post("/v1/chat/completions", chat()).json()
    choice = body["choices"][0]
    assert choice["message"] == {
        "role": "assistant",
        "content": "The capital of France is Paris.",
    }
    assert (choice["finish_reason"], body["id"]) == ("stop", "")
    assert body["system_fingerprint"] == "3.3.6-dev0-sha-emulator"
    usage = body["usage"]
    assert usage["total_tokens"] == usage["prompt_tokens"] + usage["completion_tokens"]


def test_the_model_name_is_an_echo(app: App) -> None:
    for asked, shown in (("tgi", MODEL), (None, MODEL), ("no-such", "no-such")):
        body = app.post("/v1/chat/completions", chat(model=asked)).json()
        assert body["model"] == shown


def test_stream_has_one_finish_usage_on_wish_and_done(app: App) -> None:
    wish: dict[str, Any] = {"stream": True, "stream_options": {"include_usage": True}}
    *chunks, usage, done = events(app.post("/v1/chat/completions", chat(**wish)).text)
    assert done == "[DONE]"
    deltas = [chunk["choices"][0]["delta"] for chunk in chunks]
    assert "".join(delta["content"] for delta in deltas) == "The capital of France is Paris."
    reasons = [chunk["choices"][0]["finish_reason"] for chunk in chunks]
    assert reasons == [None] * (len(chunks) - 1) + ["stop"]
    assert (usage["choices"], usage["usage"]["completion_tokens"]) == ([], len(chunks))
    plain = events(app.post("/v1/chat/completions", chat(stream=True)).text)
    assert all(chunk["usage"] is None for chunk in plain[:-1])


def test_logprobs(app: App) -> None:
    body = chat(logprobs=True, top_logprobs=2, max_tokens=2)
    content = app.post("/v1/chat/completions", body).json()["choices"][0]["logprobs"]["content"]
    assert [entry["token"] for entry in content] == ["The", " capital"]
    assert all(entry["logprob"] < 0 and len(entry["top_logprobs"]) == 2 for entry in content)


def test_a_forced_tool_call(app: App) -> None:
    body = chat("What is the weather in Paris?", tools=[WEATHER], tool_choice="required")
    choice = app.post("/v1/chat/completions", body).json()["choices"][0]
    assert choice["finish_reason"] == "stop"
    assert "content" not in choice["message"]
    call = choice["message"]["tool_calls"][0]
    assert (call["id"], call["function"]["name"]) == ("0", "get_weather")
    assert call["function"]["description"] is None
    assert json.loads(call["function"]["arguments"]) == {"city": "Paris", "unit": "celsius"}


def test_a_streamed_tool_call_joins_to_json(app: App) -> None:
    named = {"type": "function", "function": {"name": "get_weather"}}
    body = chat("Weather in Rome?", tools=[WEATHER], tool_choice=named, stream=True)
    *chunks, done = events(app.post("/v1/chat/completions", body).text)
    assert done == "[DONE]"
    calls = [chunk["choices"][0]["delta"]["tool_calls"][0] for chunk in chunks]
    assert (calls[0]["function"]["name"], calls[0]["function"]["arguments"]) == ("get_weather", "{")
    assert all(call["function"]["name"] is None for call in calls[1:])
    assert all(chunk["choices"][0]["finish_reason"] is None for chunk in chunks)
    joined = "".join(call["function"]["arguments"] for call in calls)
    assert json.loads(joined)["unit"] == "celsius"


def test_auto_may_choose_no_tool_and_then_generates_again(app: App) -> None:
    for stream in (False, True):
        body = chat(tools=[WEATHER], tool_choice="auto", stream=stream)
        answer = app.post("/v1/chat/completions", body)
        assert "Paris" in answer.text
        assert "tool_calls" not in answer.text
    # the whole answer is generated twice, the stream is dropped once the choice is known
    metrics = app.get("/metrics").text
    assert "\ntgi_request_success 3\n" in metrics
    assert '\ntgi_request_failure{err="dropped"} 1\n' in metrics


def test_the_tool_prompt_reaches_the_model(app: App) -> None:
    def prompt_tokens(**given: Any) -> int:
        body = app.post("/v1/chat/completions", chat("Weather?", **given)).json()
        return int(body["usage"]["prompt_tokens"])

    assert prompt_tokens(tools=[WEATHER], tool_choice="required") > prompt_tokens() + 20
    assert prompt_tokens(tools=[WEATHER], tool_choice="none") == prompt_tokens()


def test_tool_results_and_call_ids(app: App) -> None:
    call = {"id": "4", "type": "function", "function": {"name": "f", "arguments": "{}"}}
    turns = [
        {"role": "user", "content": "Weather in Paris?"},
        {"role": "assistant", "tool_calls": [call]},
        {"role": "tool", "content": "nonce-33", "tool_call_id": "4"},
    ]
    body = {"messages": turns, "temperature": 0}
    assert "nonce-33" in app.post("/v1/chat/completions", body).text
    forced = {**body, "tools": [WEATHER], "tool_choice": "required", "stream": True}
    first = events(app.post("/v1/chat/completions", forced).text)[0]
    assert first["choices"][0]["delta"]["tool_calls"][0]["id"] == "5"


@pytest.mark.parametrize("kind", ["json", "json_object"])
def test_guided_json(app: App, kind: str) -> None:
    body = chat("Make JSON.", response_format={"type": kind, "value": NONCE})
    content = app.post("/v1/chat/completions", body).json()["choices"][0]["message"]["content"]
    assert json.loads(content) == {"k": "n-17", "n": 41}
    named = {"type": "json_schema", "value": {"name": "x", "schema": NONCE}}
    body = chat("Make JSON.", response_format=named, stream=True)
    chunks = events(app.post("/v1/chat/completions", body).text)[:-1]
    joined = "".join(chunk["choices"][0]["delta"]["content"] for chunk in chunks)
    assert json.loads(joined)["k"] == "n-17"


@pytest.mark.parametrize(
    "form", [{"type": "json_schema", "json_schema": {"name": "x"}}, {"type": "json_object"}]
)
def test_openais_own_response_format_is_refused(app: App, form: dict[str, Any]) -> None:
    answer = app.post("/v1/chat/completions", chat(response_format=form))
    assert answer.status_code == 422
    assert answer.headers["content-type"].startswith("text/plain")
    assert "response_format: missing field `value`" in answer.text


def test_tool_errors(app: App, tmp_path: Path) -> None:
    both = chat(tools=[], response_format={"type": "json", "value": NONCE})
    assert app.post("/v1/chat/completions", both).json() == {
        "error": "Tool error: Grammar and tools are mutually exclusive",
        "error_type": "tool_error",
    }
    missing = app.post("/v1/chat/completions", chat(tools=[WEATHER], tool_choice="g"))
    assert missing.json()["error"] == "Tool error: Tool with name g not found"
    off = App(tmp_path, "--disable-grammar-support")
    refused = off.post("/v1/chat/completions", chat(tools=[WEATHER])).json()
    assert refused["error"] == "Input validation error: grammar is not supported"


@pytest.mark.parametrize("tools", [[WEATHER], []])
@pytest.mark.parametrize("choice", ["auto", None])
def test_a_call_that_the_tokens_cut_off(app: App, tools: list[Any], choice: str | None) -> None:
    """A model meets it with `tools: []` as well: they are tools, but none can be called."""
    cut = chat(tools=tools, tool_choice=choice, max_tokens=3)
    answer = app.post("/v1/chat/completions", cut)
    words = "EOF while parsing an object at line 1 column 11 " + r'"{\"function\""'
    assert (answer.status_code, answer.json()) == (422, {
        "error": f"Tool error: Failed to parse generated text: {words}",
        "error_type": "tool_error",
    })  # fmt: skip
    streamed = app.post("/v1/chat/completions", {**cut, "stream": True})
    assert events(streamed.text) == ["[DONE]"]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('{ "funct', "EOF while parsing a string at line 1 column 8"),
        ('{"function":', "EOF while parsing a value at line 1 column 12"),
        ('{"function": {"_name": "f", "a": [1', "EOF while parsing a list at line 1 column 35"),
        ('{"function": {"a": 1}}', "missing field `_name` at line 1 column 21"),
        ('{"function": "f"}',
         'invalid type: string "f", expected struct ToolCall at line 1 column 16'),
        ("{}", "missing field `function` at line 1 column 2"),
        ("Hello", "expected value at line 1 column 1"),
        ('{"function": {"_name": "f"}} ok', "trailing characters at line 1 column 30"),
    ],
)  # fmt: skip
def test_what_is_no_call_is_told_in_serdes_words(text: str, said: str) -> None:
    assert read_call(text) is None
    with pytest.raises(InferError) as raised:
        parse_output(text)
    assert raised.value.message == (
        f"Tool error: Failed to parse generated text: {said} {quoted(text)}"
    )


SYSTEM = "<|im_start|>system\nYou are a helpful AI assistant named SmolLM, trained by Hugging Face"
HI = f"{SYSTEM}<|im_end|>\n<|im_start|>user\nHi"
ASSISTANT = "<|im_end|>\n<|im_start|>assistant\n"


def templated(app: App, **body: Any) -> str:
    """Return the prompt; its tokens are its text, without one at the beginning."""
    shown = app.post("/chat_tokenize", body).json()
    assert "".join(token["text"] for token in shown["tokenize_response"]) == shown["templated_text"]
    assert all(token["stop"] for token in shown["tokenize_response"])
    return str(shown["templated_text"])


def user(content: Any) -> dict[str, Any]:
    return {"role": "user", "content": content}


def test_the_template_to_the_letter(app: App) -> None:
    assert templated(app, messages=[user("Hi")]) == HI + ASSISTANT
    assert templated(app, messages=[]) == "<|im_start|>assistant\n"
    own = {"role": "system", "content": "s"}
    assert templated(app, messages=[own, user("Hi")]) == (
        f"<|im_start|>system\ns<|im_end|>\n<|im_start|>user\nHi{ASSISTANT}"
    )


def test_an_assistants_last_message_is_gone_on_with(app: App) -> None:
    begun = {"role": "assistant", "content": "I am \n"}
    assert templated(app, messages=[user("Hi"), begun]) == f"{HI}{ASSISTANT}I am"


def test_tools_are_written_behind_the_last_message(app: App) -> None:
    tool = {"type": "function", "function": {"name": "f", "parameters": {"properties": {}}}}
    known = (
        '{"type":"function","function":{"description":null,"name":"f",'
        r'"arguments":"{\"properties\":{}}"}}'
    )
    no_tool = (
        '{"type":"function","function":{"description":"Open ended response with no specific tool'
        r' selected","name":"no_tool","arguments":"{\"type\":\"object\"}"}}'
    )
    given = {"messages": [user("Hi")], "tools": [tool], "tool_prompt": "Call."}
    assert templated(app, **given, tool_choice="f") == f"{HI}\n---\n[{known}]\nCall.{ASSISTANT}"
    for auto in ({}, {"tool_choice": None}):
        assert templated(app, **given, **auto) == (
            f"{HI}\n---\n[{known},{no_tool}]\nCall.{ASSISTANT}"
        )
    assert templated(app, messages=[user("Hi")], tools=[], tool_prompt="Call.") == (
        f"{HI}\n---\n[{no_tool}]\nCall.{ASSISTANT}"
    )
    assert templated(app, **given, tool_choice="none") == HI + ASSISTANT


def test_a_template_adds_no_token_at_the_beginning(app: App) -> None:
    """Usage tells what /chat_tokenize counts; a raw prompt counts one token more."""
    body = {"messages": [user("Hi")], "max_tokens": 1}
    counted = len(app.post("/chat_tokenize", body).json()["tokenize_response"])
    assert app.post("/v1/chat/completions", body).json()["usage"]["prompt_tokens"] == counted
    raw = {"prompt": HI + ASSISTANT, "max_tokens": 1}
    assert app.post("/v1/completions", raw).json()["usage"]["prompt_tokens"] == counted + 1
