"""Ask the emulator all that a client can see, as one dictionary: comparing two shows a fault."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable
from typing import Any

import httpx

from tests.support.emulator import App, events

KEY = "sk-emulator-key"
LIMITS = ("--max-input-tokens", "300", "--max-total-tokens", "400", "--api-key", KEY)
FRANCE = "Name the capital of France."
STORY = "Tell me a story about a lighthouse keeper and the sea."
UTF8 = "naïve 日本語 🚢"
SCHEMA: dict[str, Any] = {
    "type": "object",
    "properties": {"k": {"const": "nonce-17"}, "n": {"enum": [41, 42]}},
    "required": ["k", "n"],
    "additionalProperties": False,
}
TOOL: dict[str, Any] = {
    "type": "function",
    "function": {
        "name": "get_weather",
        "description": "Current weather of a city",
        "parameters": {
            "type": "object",
            "properties": {"city": {"type": "string"}, "unit": {"enum": ["celsius", "kelvin"]}},
            "required": ["city", "unit"],
            "additionalProperties": False,
        },
    },
}
JSON = {"type": "json", "value": SCHEMA}
BAD = {"type": "json", "value": {"type": "hiccup", "properties": {}}}
_CHAT = "/v1/chat/completions"


def native(text: str = FRANCE, **parameters: Any) -> dict[str, Any]:
    return {"inputs": text, "parameters": {"max_new_tokens": 40, "details": True, **parameters}}


def chat(text: str = FRANCE, **given: Any) -> dict[str, Any]:
    said = [{"role": "user", "content": text}]
    return {"messages": said, "temperature": 0, "max_tokens": 40, **given}


def streamed(**given: Any) -> dict[str, Any]:
    return {**given, "stream": True, "stream_options": {"include_usage": True}}


def _with_system() -> dict[str, Any]:
    body = chat()
    long = "You keep a lighthouse and answer in short sentences. " * 5
    return {**body, "messages": [{"role": "system", "content": long}, *body["messages"]]}


_WEATHER = chat("What is the weather in Paris?", tools=[TOOL], tool_choice="required")
_GUIDED = chat("Make an object.", response_format=JSON)
_PROMPT = {"prompt": FRANCE, "temperature": 0, "max_tokens": 40}

POSTS: dict[str, tuple[str, Any]] = {
    "generate": ("/generate", native(top_n_tokens=2)),
    "generate.stream": ("/generate_stream", native()),
    "generate.story": ("/generate", native(STORY, max_new_tokens=64)),
    "generate.utf8": ("/generate", native(f"Repeat exactly: {UTF8}")),
    "generate.stop": ("/generate", native("Repeat exactly: one two three", stop=["two"])),
    "generate.json": ("/generate", native("Make an object.", grammar=JSON)),
    "generate.regex": ("/generate", native(grammar={"type": "regex", "value": "[0-9]{4}"})),
    "generate.bad_schema": ("/generate", native(grammar=BAD)),
    "generate.over_input": ("/generate", native("word " * 350)),
    "generate.over_total": ("/generate", native(max_new_tokens=500)),
    "generate.empty": ("/generate", native("")),
    "generate.empty_stream": ("/generate_stream", native("")),
    "tokenize": ("/tokenize", native(f"{FRANCE} {UTF8}")),
    "chat": (_CHAT, chat()),
    "chat.stream": (_CHAT, streamed(**chat())),
    "chat.story_stream": (_CHAT, streamed(**chat(STORY))),
    "chat.utf8_stream": (_CHAT, streamed(**chat(f"Repeat exactly: {UTF8}"))),
    "chat.logprobs": (_CHAT, chat(logprobs=True, top_logprobs=2, max_tokens=3)),
    "chat.system": (_CHAT, _with_system()),
    "chat.over": (_CHAT, chat("word " * 350)),
    "tools": (_CHAT, _WEATHER),
    "tools.stream": (_CHAT, streamed(**_WEATHER)),
    "tools.clash": (_CHAT, {**_WEATHER, "response_format": JSON}),
    "json": (_CHAT, _GUIDED),
    "json.stream": (_CHAT, streamed(**_GUIDED)),
    "json.bad_schema": (_CHAT, chat(response_format=BAD)),
    "completions": ("/v1/completions", _PROMPT),
    "completions.stream": ("/v1/completions", {**_PROMPT, "stream": True}),
    "unknown": ("/v1/nothing", {}),
    "no_field": ("/generate", {}),
}
VIEWS = (*POSTS, "info", "counters", "open:/generate", "open:/tokenize", "wrong_method", "writes")


def look(app: App) -> dict[str, Any]:
    """Every view: (status, body) of a request unless its name says otherwise."""
    return asyncio.run(_look(app))


async def _look(app: App) -> dict[str, Any]:
    transport = httpx.ASGITransport(app.app)
    headers = {"authorization": f"Bearer {KEY}"}
    async with httpx.AsyncClient(transport=transport, base_url="http://tgi") as client:
        before = (await client.get("/metrics")).text
        seen: dict[str, Any] = {}
        for name, (path, body) in POSTS.items():
            seen[name] = _told(await client.post(path, json=body, headers=headers))
        seen["info"] = _told(await client.get("/info"))
        seen["counters"] = (await client.get("/metrics")).text != before
        for path in ("/generate", "/tokenize"):
            seen[f"open:{path}"] = (await client.post(path, json=native())).status_code
        seen["wrong_method"] = _told(await client.get("/generate", headers=headers))
    seen["writes"] = await _writes(app.app, _CHAT, streamed(**chat(STORY)))
    return seen


def _told(answer: httpx.Response) -> tuple[int, Any]:
    kind = answer.headers.get("content-type", "")
    if kind == "text/event-stream":
        return answer.status_code, [_timeless(event) for event in events(answer.text)]
    body = answer.json() if kind == "application/json" else answer.text
    return answer.status_code, _timeless(body)


def _timeless(body: Any) -> Any:
    return {**body, "created": 0} if isinstance(body, dict) and "created" in body else body


async def _writes(
    app: Callable[[Any, Any, Any], Awaitable[None]], path: str, body: dict[str, Any]
) -> list[int]:
    """Events in each write to the socket."""
    content, sent = json.dumps(body).encode(), []
    told = False

    async def receive() -> dict[str, Any]:
        nonlocal told
        if told:
            await asyncio.Event().wait()
        told = True
        return {"type": "http.request", "body": content, "more_body": False}

    async def send(message: dict[str, Any]) -> None:
        if message.get("body"):
            sent.append(message["body"].count(b"data: "))

    headers = [(b"content-type", b"application/json"), (b"authorization", f"Bearer {KEY}".encode())]
    scope = {
        "type": "http", "asgi": {"version": "3.0"}, "http_version": "1.1", "method": "POST",
        "scheme": "http", "path": path, "raw_path": path.encode(), "query_string": b"",
        "root_path": "", "headers": headers, "client": ("127.0.0.1", 1), "server": ("tgi", 80),
    }  # fmt: skip
    await app(scope, receive, send)
    return sent
