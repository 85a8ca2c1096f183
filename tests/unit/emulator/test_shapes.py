"""Check bodies against TGI's own OpenAPI document and the shape of recorded responses."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from tests.support.emulator import FACTS, App, events
from tests.support.emulator_process import HERE

DOCUMENT = json.loads((HERE / "tgi_emulator/api/openapi.json").read_text())
FRANCE = "Name the capital of France."
TOOL = {
    "type": "function",
    "function": {
        "name": "get_weather",
        "parameters": {"type": "object", "properties": {"city": {"type": "string"}}},
    },
}


def _facts(name: str) -> Any:
    return json.loads((FACTS / name).read_text())


def _nullable(node: Any) -> Any:
    """OpenAPI 3.0's `nullable` in words of JSON Schema."""
    if isinstance(node, list):
        return [_nullable(item) for item in node]
    if not isinstance(node, dict):
        return node
    # Rust's u64 and exclusive bounds are written in a way that JSON Schema reads otherwise
    plain = {key: _nullable(value) for key, value in node.items() if key != "exclusiveMinimum"}
    return {"anyOf": [plain, {"type": "null"}]} if plain.pop("nullable", False) else plain


@pytest.fixture
def app(tmp_path: Path) -> App:
    return App(tmp_path)


def check(body: Any, name: str) -> None:
    schemas = _nullable(DOCUMENT["components"]["schemas"])
    schema = {"$ref": f"#/components/schemas/{name}", "components": {"schemas": schemas}}
    jsonschema.Draft7Validator(schema).validate(body)


def test_the_document_is_served_whole(app: App) -> None:
    answer = app.get("/api-doc/openapi.json")
    assert answer.json() == DOCUMENT
    assert len(answer.content) == 36366


def test_native_bodies_fit_tgis_document(app: App) -> None:
    parameters = {"max_new_tokens": 4, "details": True, "top_n_tokens": 2, "seed": 3}
    ask = {"inputs": FRANCE, "parameters": parameters}
    check(app.post("/generate", ask).json(), "GenerateResponse")
    for event in events(app.post("/generate_stream", ask).text):
        check(event, "StreamResponse")
    check(app.get("/info").json(), "Info")
    check(app.get("/v1/models").json()["data"][0], "ModelInfo")
    check(app.post("/tokenize", ask).json(), "TokenizeResponse")
    check(app.post("/generate", {"inputs": ""}).json(), "ErrorResponse")


def test_openai_bodies_fit_tgis_document(app: App) -> None:
    chat: dict[str, Any] = {"messages": [{"role": "user", "content": FRANCE}], "logprobs": True}
    check(app.post("/v1/chat/completions", chat).json(), "ChatCompletion")
    check(app.post("/chat_tokenize", chat).json(), "ChatTokenizeResponse")
    for event in events(app.post("/v1/chat/completions", {**chat, "stream": True}).text)[:-1]:
        check(event, "ChatCompletionChunk")
    check(app.post("/v1/completions", {"prompt": FRANCE}).json(), "CompletionFinal")
    streamed = app.post("/v1/completions", {"prompt": FRANCE, "stream": True})
    for event in events(streamed.text)[:-1]:
        check(event, "CompletionFinal" if "usage" in event else "Chunk")


def _keys(node: Any) -> Any:
    """The skeleton of a body: names and nesting, without what a client library adds as null."""
    if isinstance(node, dict):
        return {key: _keys(value) for key, value in node.items() if value is not None}
    return [_keys(node[0])] if isinstance(node, list) and node else type(node).__name__


def test_skeletons_equal_the_recorded_ones(app: App) -> None:
    samples = _facts("response-skeletons.json")
    chat: dict[str, Any] = {"messages": [{"role": "user", "content": "Weather in Paris?"}]}
    forced = {**chat, "tools": [TOOL], "tool_choice": "required"}
    stream = {"stream": True}
    usage = {**stream, "stream_options": {"include_usage": True}}
    path = "/v1/chat/completions"
    assert _keys(app.post(path, forced).json()) == samples["chat_nonstream_tools"]
    chunks = events(app.post(path, {**forced, **stream}).text)[:-1]
    recorded = samples["chat_stream_tools"]
    assert _keys(chunks[0]) == recorded[0]
    assert _keys(chunks[-1]) == recorded[-1]
    chunks = events(app.post(path, {**chat, **usage}).text)[:-1]
    recorded = samples["chat_stream_usage"]
    for index in (0, -2, -1):
        assert _keys(chunks[index]) == recorded[index], index
    plain = app.post("/v1/completions", {"prompt": FRANCE, "max_tokens": 3}).json()
    assert _keys(plain) == samples["completions_single"]
