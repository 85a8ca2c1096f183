"""Make answers by hand, as judges receive them."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

from ansible.module_utils.tgi.client.answer import Answer

SSE = {"content-type": "text/event-stream"}


def reply(body: Any, status: int = 200, ms: int = 5, **headers: str) -> Answer:
    """Return a whole answer: a string as text, anything else as JSON."""
    if isinstance(body, str):
        return Answer(
            status, {"content-type": "text/plain", **headers}, [(0.0, body.encode())], ms=ms
        )
    data = json.dumps(body).encode()
    return Answer(status, {"content-type": "application/json", **headers}, [(0.0, data)], ms=ms)


def usage(prompt: int, completion: int) -> dict[str, int]:
    """Return the counts of tokens in an OpenAI answer."""
    total = prompt + completion
    return {"prompt_tokens": prompt, "completion_tokens": completion, "total_tokens": total}


def error(text: str, status: int = 422) -> Answer:
    return reply({"error": text, "error_type": "validation"}, status)


def silent(fault: str = "connection refused") -> Answer:
    return Answer(fault=fault)


def chat_reply(text: str, finish: str | None = "stop", **message: str) -> Answer:
    said = {"role": "assistant", "content": text, **message}
    return reply({"choices": [{"index": 0, "message": said, "finish_reason": finish}]})


def stream(events: Iterable[Any], pace: float = 0.01, fault: str = "") -> Answer:
    """Return a stream of events at a steady pace, the first after one step."""
    chunks = [
        ((n + 1) * pace, f"data: {one if isinstance(one, str) else json.dumps(one)}\n\n".encode())
        for n, one in enumerate(events)
    ]
    return Answer(200, SSE, chunks, fault)


def chat_events(text: str, finish: str | None = "stop") -> list[Any]:
    """Return the events of a chat: one per character, then the end and [DONE]."""
    events: list[Any] = [{"choices": [{"delta": {"content": one}}]} for one in text]
    if finish:
        events.append({"choices": [{"delta": {"content": ""}, "finish_reason": finish}]})
    return [*events, "[DONE]"]
