"""Chat streams with the arrival time of each piece."""

from __future__ import annotations

import json

from ansible.module_utils.tgi.client.answer import Answer

#: Figures of the direct view that ``made()`` matches.
DIRECT = {
    "ttft_ms": 30.0, "chunks": 20, "bursts": 20, "events_per_read": 1.0,
    "finish_reason": "length", "completion_tokens": 20,
}  # fmt: skip


def event(text: str, finish: str | None = None) -> str:
    choice = {"index": 0, "delta": {"content": text}, "finish_reason": finish}
    return f"data: {json.dumps({'choices': [choice]})}\n\n"


def made(
    count: int = 20, gap: float = 0.01, group: int = 1, finish: str | None = "length",
    tokens: int | None = 20, headers: dict[str, str] | None = None,
) -> Answer:  # fmt: skip
    """Return ``count`` events, ``group`` in each piece, a piece every ``gap`` seconds."""
    events = [event(f"w{n} ") for n in range(count - 1)] + [event("end", finish)]
    pieces = ["".join(events[at : at + group]) for at in range(0, count, group)]
    chunks = [(0.05 + n * gap, piece.encode()) for n, piece in enumerate(pieces)]
    if tokens is not None:
        usage = {"prompt_tokens": 3, "completion_tokens": tokens, "total_tokens": 3 + tokens}
        last = f"data: {json.dumps({'choices': [], 'usage': usage})}\n\ndata: [DONE]\n\n"
        chunks.append((chunks[-1][0] + 0.001, last.encode()))
    return Answer(200, {"content-type": "text/event-stream", **(headers or {})}, chunks, ms=300)
