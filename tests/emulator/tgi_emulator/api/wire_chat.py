"""The chat request, as TGI reads it: messages, tools and their choice (router/src/lib.rs)."""

from __future__ import annotations

from dataclasses import dataclass

from ..reading.buffer import Buffered
from ..reading.fault import Fault, Pairs
from ..reading.serde import (
    NONE,
    REQUIRED,
    Reader,
    Source,
    anything,
    boolean,
    f32,
    mapped,
    null,
    optional,
    sequence,
    struct,
    tagged,
    text,
    u32,
    u64,
    untagged,
)
from .rust_words import dumps
from .wire import Body, compat, completion, grammar, instance


@dataclass(frozen=True)
class Message:
    """One turn; `call_ids` are the ids of the tool calls it carries instead of text."""

    role: str
    text: str
    call_ids: tuple[str, ...] = ()


def _called(function: Body) -> Body:
    return {**function, "arguments": dumps(function["arguments"])}


_FUNCTION = struct(
    "FunctionDefinition",
    {
        "description": (optional(text), None),
        "name": (text, REQUIRED),
        "arguments|parameters": (anything, REQUIRED),
    },
)
_CALL = struct(
    "ToolCall",
    {
        "id": (text, REQUIRED),
        "type": (text, REQUIRED),
        "function": (mapped(_FUNCTION, _called), REQUIRED),
    },
)
_URL = struct("Url", {"url": (text, REQUIRED)})
_CHUNK = tagged(
    "MessageChunk",
    {
        "text": struct("MessageChunk", {"text": (text, REQUIRED)}),
        "image_url": struct("MessageChunk", {"image_url": (_URL, REQUIRED)}),
    },
)
_CONTENT = untagged(
    "MessageContent", text, mapped(sequence(_CHUNK), lambda all: "".join(map(_part, all)))
)
_BODY = untagged(
    "MessageBody",
    struct("MessageBody", {"content": (_CONTENT, REQUIRED)}),
    struct("MessageBody", {"tool_calls": (sequence(_CALL), REQUIRED)}),
)


def _part(chunk: tuple[str, Body]) -> str:
    """Images become text, as TGI's templates see them."""
    kind, given = chunk
    return str(given["text"]) if kind == "text" else f"![]({given['image_url']['url']})"


def _message(source: Source) -> Message:
    """`role` and `name` are read as they come; the rest is put aside and tried as a body."""
    own: Body = {}
    rest = Pairs()
    with source.mapping("struct Message") as entries:
        for key in entries:
            if key not in ("role", "name"):
                rest.append((key, entries.value(key).any()))
            elif key in own:
                raise Fault(f"duplicate field `{key}`")
            else:
                own[key] = (text if key == "role" else optional(text))(entries.value(key))
        if "role" not in own:
            raise Fault("missing field `role`")
        body = _BODY(Buffered(rest))
    if "content" in body:
        return Message(own["role"], body["content"])
    calls = body["tool_calls"]
    return Message(own["role"], dumps(calls), tuple(call["id"] for call in calls))


def _choice(value: str | tuple[str, Body] | None) -> str:
    """auto, none, required, or `=NAME` for one named function."""
    if value is None:
        return "auto"
    if isinstance(value, str):
        return value if value in ("auto", "none", "required") else f"={value}"
    return f"={value[1]['function']['name']}"


_NAME = struct("FunctionName", {"name": (text, REQUIRED)})
_NAMED = tagged("TypedChoice", {"function": struct("TypedChoice", {"function": (_NAME, REQUIRED)})})
_TOOL = struct("Tool", {"type": (text, REQUIRED), "function": (_FUNCTION, REQUIRED)})

chat = struct(
    "ChatRequest",
    {
        "model": (optional(text), NONE),
        "messages": (sequence(_message), REQUIRED),
        "frequency_penalty": (optional(f32), None),
        "logit_bias": (optional(sequence(f32)), None),
        "logprobs": (optional(boolean), None),
        "top_logprobs": (optional(u32), None),
        "max_tokens|max_completion_tokens": (optional(u32), None),
        "n": (optional(u32), None),
        "presence_penalty": (optional(f32), None),
        "stop": (optional(sequence(text)), None),
        "stream": (boolean, False),
        "seed": (optional(u64), NONE),
        "temperature": (optional(f32), None),
        "top_p": (optional(f32), None),
        "tools": (optional(sequence(_TOOL)), None),
        "tool_prompt": (optional(text), None),
        "tool_choice": (
            mapped(untagged("ToolTypeDeserializer", null, text, _NAMED), _choice),
            "auto",
        ),
        "response_format": (optional(grammar), None),
        "stream_options": (
            struct("StreamOptions", {"include_usage": (boolean, False)}),
            lambda: {"include_usage": False},
        ),
    },
)


def _kind(name: str, reader: Reader) -> Reader:
    return mapped(reader, lambda request: (name, request))


invocation = untagged(
    "SagemakerRequest",
    _kind("inputs", compat), _kind("messages", chat), _kind("prompt", completion),
)  # fmt: skip
"""(kind, request): which one it is shows in its fields."""

vertex = mapped(
    struct(
        "VertexRequest",
        {
            "instances": (
                sequence(
                    untagged("VertexInstance", _kind("inputs", instance), _kind("messages", chat))
                ),
                REQUIRED,
            )
        },
    ),
    lambda request: request["instances"],
)
