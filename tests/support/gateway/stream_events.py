"""Events of streams, as TGI's router writes them."""

from __future__ import annotations

import json
from typing import Any

from tests.support.gateway.dialect import CHAT, COMPLETIONS

HEAD = {"id": "", "created": 1764000000, "model": "m", "system_fingerprint": "3.3.6-dev0-native"}
USAGE = {"prompt_tokens": 9, "completion_tokens": 4, "total_tokens": 13}
DONE = "data: [DONE]\n\n"


def event(choices: list[dict[str, Any]], usage: Any = None, kind: str = CHAT) -> str:
    """One event as TGI's router writes it."""
    name = "chat.completion.chunk" if kind == CHAT else "text_completion"
    made = {"object": name, **HEAD, "choices": choices, "usage": usage}
    return f"data: {json.dumps(made, separators=(',', ':'), ensure_ascii=False)}\n\n"


def piece(content: str, reason: str | None = None) -> str:
    delta = {"role": "assistant", "content": content}
    return event([{"index": 0, "delta": delta, "logprobs": None, "finish_reason": reason}])


def completed(text: str, reason: str = "", index: int = 0) -> str:
    choice = {"index": index, "text": text, "logprobs": None, "finish_reason": reason}
    return event([choice], kind=COMPLETIONS)


def call(arguments: str, name: str | None = None) -> str:
    function = {"name": name, "arguments": arguments}
    made = {"index": 0, "id": "0", "type": "function", "function": function}
    delta = {"role": "assistant", "tool_calls": [made]}
    return event([{"index": 0, "delta": delta, "logprobs": None, "finish_reason": None}])
