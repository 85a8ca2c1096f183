"""Test the parser and the judges with good and bad samples before any check runs."""

from __future__ import annotations

import json
from typing import Any

from ..client.answer import Answer
from .judges import chat
from .judges.bursts import burst_ratio
from .results import Outcome


def _event(content: str, finish: str | None = None) -> str:
    choice = {"index": 0, "delta": {"content": content}, "finish_reason": finish}
    return f"data: {json.dumps({'choices': [choice], 'usage': None}, ensure_ascii=False)}\n\n"


_USAGE = (
    'data: {"choices":[],"usage":{"prompt_tokens":3,"completion_tokens":2,"total_tokens":5}}\n\n'
)
_ERROR = 'data: {"error":{"message":"out of memory","http_status_code":422}}\n\n'
_DONE = "data: [DONE]\n\n"
_GOOD = ": keep-alive\r\n\r\n" + _event("Zo\u00eb") + _event(" ok", "stop") + _USAGE + _DONE
_BAD = {
    "a stream without an ending": _event("Zo\u00eb"),
    "an error event under 200": _event("Zo\u00eb") + _ERROR + _DONE,
    "a stream without text": _event("", "stop") + _USAGE + _DONE,
}


def _judge(text: str) -> str:
    # One byte at a time, which cuts characters and line ends too
    chunks = [(n / 100, bytes([byte])) for n, byte in enumerate(text.encode())]
    answer = Answer(200, {"content-type": "text/event-stream"}, chunks)
    return chat.judge_chat_stream(answer, 8).problem


def find_defect() -> str:
    """Return what the judges get wrong; empty when they work."""
    if wrong := _judge(_GOOD):
        return f"the judges reject a good stream: {wrong}"
    for name, text in _BAD.items():
        if not _judge(text):
            return f"the judges accept {name}"
    if burst_ratio([n / 100 for n in range(20)]) < 0.9 or burst_ratio([1.0] * 20) > 0.1:
        return "the judges confuse bursts with single events"
    return ""


async def selftest(_: Any) -> Outcome:
    defect = find_defect()
    return Outcome(defect, defect or "good samples accepted, bad ones rejected")
