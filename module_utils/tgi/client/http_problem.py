"""Say what is wrong with an HTTP answer, whatever the request was."""

from __future__ import annotations

import json
from typing import Any

from ..common.text import trim
from .answer import Answer


def dig(value: Any, *path: str | int) -> Any:
    """Follow keys and indices; return None where one is missing."""
    for step in path:
        if isinstance(step, int):
            if not isinstance(value, list) or not -len(value) <= step < len(value):
                return None
        elif not isinstance(value, dict) or step not in value:
            return None
        value = value[step]
    return value


def error_text(value: Any) -> str:
    """Return the message of an error body: TGI's form, OpenAI's, FastAPI's or a gateway's."""
    error = dig(value, "error") or dig(value, "detail") or dig(value, "message")
    if isinstance(error, dict):
        error = error.get("message") or error
    return trim(error, 160) if error else ""


def load(text: str) -> Any:
    """Return parsed JSON, or None if it is not JSON."""
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return None


def http_problem(answer: Answer, status: int = 200) -> str:
    """Return why this is not a complete answer with ``status``; empty if it is."""
    if not answer.status:
        return answer.fault or "no answer"
    if answer.status != status:
        return f"HTTP {answer.status} {error_text(answer.json())}".strip()
    return answer.fault
