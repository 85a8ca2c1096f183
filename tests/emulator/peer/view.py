"""What two servers must have in common in an answer: all but what a model or a clock decides.

Status, header values, framing, order of keys and error words stay as they are. Generated text,
numbers, times and names of the model become the name of their type.
"""

from __future__ import annotations

import json
import re
from contextlib import suppress
from typing import Any

_UNTOLD = ("date", "content-length")
_VALUES_KEPT = {
    "allow", "cache-control", "connection", "content-type", "transfer-encoding", "vary",
    "x-accel-buffering", "x-compute-type", "access-control-allow-origin",
    "access-control-allow-methods", "access-control-allow-headers",
}  # fmt: skip
_BY_TYPE = {
    "model_id", "owned_by", "generated_text", "content", "text", "token", "seed", "created",
    "logprob", "arguments", "model", "version", "sha", "system_fingerprint", "special",
}  # fmt: skip
_FIXED = {"docker_label": "label"}
_BODY_CHARACTERS = 600


def view(answer: bytes) -> dict[str, Any]:
    """Return status, headers and body as the recording holds them."""
    if answer.startswith(b"HTTP/1.1 100"):
        answer = answer.partition(b"\r\n\r\n")[2]
    head, _, body = answer.partition(b"\r\n\r\n")
    first, *lines = head.decode("latin-1").split("\r\n")
    pairs = (line.partition(":") for line in lines)
    headers = {name.strip().lower(): value.strip() for name, _, value in pairs}
    if headers.get("transfer-encoding") == "chunked":
        body = _joined(body)
    shown = {
        name: value if name in _VALUES_KEPT else "…"
        for name, value in sorted(headers.items())
        if name not in _UNTOLD
    }
    status = re.sub(r"^(HTTP/[\d.]+ \d+).*", r"\1", first)[:100]
    text = body.decode(errors="replace")
    if "event-stream" in headers.get("content-type", ""):
        return {"status": status, "headers": shown, "body": _events(text)}
    return {"status": status, "headers": shown, "body": _uncounted(_masked_json(text))}


def _joined(chunks: bytes) -> bytes:
    body = b""
    while chunks:
        size, _, chunks = chunks.partition(b"\r\n")
        try:
            length = int(size, 16)
        except ValueError:
            return body + b"<CHUNK?>"
        if not length:
            return body
        body += chunks[:length]
        chunks = chunks[length + 2 :]
    return body + b"<CUT>"


def _masked_json(text: str) -> str:
    try:
        return json.dumps(_masked(json.loads(text)))
    except ValueError:
        return text[:_BODY_CHARACTERS]


def _events(text: str) -> list[str]:
    """Each event once where several alike follow each other."""
    kept: list[str] = []
    for event in filter(None, text.split("\n\n")):
        data = event.removeprefix("data:")
        if data != event and data.strip().startswith("{"):
            blank = " " if data.startswith(" ") else ""
            with suppress(ValueError):
                event = f"data:{blank}{json.dumps(_masked(json.loads(data)))}"
        event = _uncounted(event)
        if kept[-1:] != [event]:
            kept.append(event)
    return kept


def _uncounted(text: str) -> str:
    """Hide how many tokens an input has: each tokenizer counts its own way."""
    return re.sub(r"Given: \d+", "Given: N", text)


def _masked(value: Any, key: str = "") -> Any:
    """Mask a value by its type and its key; of a list, each kind of item once after a `*`."""
    if isinstance(value, dict):
        return {name: _masked(inner, name) for name, inner in value.items()}
    if isinstance(value, list):
        kinds: list[Any] = []
        for item in value:
            if (kind := _masked(item, key)) not in kinds:
                kinds.append(kind)
        return ["*", *kinds] if len(value) > 1 else kinds
    if key in _FIXED:
        return _FIXED[key]
    if key == "finish_reason":
        return value and "reason"
    if key in _BY_TYPE:
        return type(value).__name__
    if key == "id" and isinstance(value, str):
        return "str" if value else ""
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return value
    return type(value).__name__
