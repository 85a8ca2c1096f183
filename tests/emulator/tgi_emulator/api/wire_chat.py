"""The chat request, as TGI reads it: messages, tools and their choice (router/src/lib.rs)."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from .serde import (
    REQUIRED,
    DataError,
    anything,
    boolean,
    f32,
    optional,
    sequence,
    struct,
    text,
    u32,
    u64,
)
from .wire import Body, grammar


@dataclass(frozen=True)
class Message:
    """One turn; `call_ids` are the ids of the tool calls it carries instead of text."""

    role: str
    text: str
    call_ids: tuple[str, ...] = ()


def _message(value: Any, path: str) -> Message:
    """Tool calls and images become text, as TGI's templates see them."""
    if not isinstance(value, dict):
        raise DataError(path, "invalid type: expected struct Message")
    if "role" not in value:
        raise DataError(path, "missing field `role`")
    role, content = text(value["role"], f"{path}.role"), value.get("content")
    if isinstance(content, str):
        return Message(role, content)
    if isinstance(content, list) and all(isinstance(chunk, dict) for chunk in content):
        return Message(role, "".join(_chunk(chunk) for chunk in content))
    calls = value.get("tool_calls")
    if isinstance(calls, list) and all(isinstance(call, dict) for call in calls):
        return Message(role, json.dumps(calls), tuple(str(call.get("id")) for call in calls))
    raise DataError(path, "data did not match any variant of untagged enum MessageBody")


def _chunk(chunk: Body) -> str:
    if chunk.get("type") == "text":
        return str(chunk.get("text", ""))
    return f"![]({chunk.get('image_url', {}).get('url', '')})"


def _tool(value: Any, path: str) -> Body:
    function = struct(
        {"description": (optional(text), None), "name": (text, REQUIRED)}, "FunctionDefinition"
    )
    outer = struct({"type": (text, REQUIRED), "function": (anything, REQUIRED)}, "Tool")
    tool: Body = outer(value, path)
    inner = function(tool["function"], f"{path}.function")
    arguments = tool["function"].get("parameters", tool["function"].get("arguments", REQUIRED))
    if arguments is REQUIRED:
        raise DataError(f"{path}.function", "missing field `arguments`")
    return {"type": tool["type"], "function": {**inner, "arguments": arguments}}


def _tool_choice(value: Any, path: str) -> str:
    """auto, none, required, or `=NAME` for one named function."""
    if value is None:
        return "auto"
    if isinstance(value, str):
        return value if value in ("auto", "none", "required") else f"={value}"
    if isinstance(value, dict) and value.get("type") == "function":
        named = value.get("function")
        if isinstance(named, dict) and isinstance(named.get("name"), str):
            return f"={named['name']}"
    raise DataError(path, "data did not match any variant of untagged enum ToolTypeDeserializer")


_CHAT = struct(
    {
        "model": (optional(text), None),
        "messages": (sequence(_message), REQUIRED),
        "frequency_penalty": (optional(f32), None),
        "logit_bias": (optional(sequence(f32)), None),
        "logprobs": (optional(boolean), None),
        "top_logprobs": (optional(u32), None),
        "max_tokens": (optional(u32), None),
        "n": (optional(u32), None),
        "presence_penalty": (optional(f32), None),
        "stop": (optional(sequence(text)), None),
        "stream": (boolean, False),
        "seed": (optional(u64), None),
        "temperature": (optional(f32), None),
        "top_p": (optional(f32), None),
        "tools": (optional(sequence(_tool)), None),
        "tool_prompt": (optional(text), None),
        "tool_choice": (_tool_choice, "auto"),
        "response_format": (optional(grammar), None),
        "stream_options": (
            struct({"include_usage": (boolean, False)}, "StreamOptions"),
            lambda: {"include_usage": False},
        ),
    },
    "ChatRequest",
)


def chat(value: Any, path: str) -> Body:
    if isinstance(value, dict) and "max_completion_tokens" in value:
        if "max_tokens" in value:
            raise DataError(path, "duplicate field `max_tokens`")
        value = {**value, "max_tokens": value["max_completion_tokens"]}
    request: Body = _CHAT(value, path)
    return request
