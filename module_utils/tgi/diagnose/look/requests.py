"""A few requests to one model, and what came of them as plain data.

The same for a client at the gateway and on the GPU host, so that the two can be compared.
No prompt and no answer is kept beyond a few words of a question of our own.
"""

from __future__ import annotations

from typing import Any

from ...checks.judges import chat, questions
from ...checks.judges.metrics import parse_metrics
from ...checks.session import LONG_QUESTION, LONG_TOKENS
from ...client.answer import Answer
from ...client.http_client import Client
from ...client.http_problem import dig, error_text, http_problem
from ...common.text import mask, trim
from .forced_call import request_body, view_call

CHAT = "/v1/chat/completions"
_GAUGES = {"queue": "tgi_queue_size", "batch": "tgi_batch_current_size"}
#: Milliseconds that TGI tells in the headers of /generate
_TIMES = ("total", "validation", "queue", "inference")


def view_http(answer: Answer) -> dict[str, Any]:
    """``status`` (0: none), ``fault``, and the ``error`` and ``code`` of an error's body."""
    reply = answer.json()
    return {
        "status": answer.status,
        "fault": trim(answer.fault, 160),
        # An engine that repeats a token of its own must not have us repeat it
        "error": mask(error_text(reply)) if answer.status != 200 else "",
        "code": trim(dig(reply, "error", "code") or dig(reply, "error_type") or "", 40),
        "ms": answer.ms,
    }


def view_chat(answer: Answer) -> dict[str, Any]:
    """An answer to a short question: as HTTP, and what is wrong with it as a chat."""
    judged = chat.judge_chat(answer, questions.MAX_TOKENS)
    return {
        **view_http(answer),
        "problem": mask(judged.problem),
        "text": mask(trim(judged.observed, 60)),
    }


def view_stream(answer: Answer) -> dict[str, Any]:
    """A streamed answer: ``ttft``, ``tpot``, ``total`` in seconds (None: not seen), ``chunks``."""
    stream = chat.read_stream(answer)
    times = stream.times
    gaps = len(times) - 1
    return {
        **view_http(answer),
        "problem": mask(chat.judge_chat_stream(answer, LONG_TOKENS).problem),
        "ttft": round(times[0], 3) if times else None,
        "tpot": round((times[-1] - times[0]) / gaps, 4) if gaps > 0 else None,
        "total": round(answer.ms / 1000, 3),
        "chunks": len(times),
    }


def view_generate(answer: Answer) -> dict[str, Any]:
    """One native generation; ``times`` in seconds as TGI tells them in its headers."""
    text = dig(answer.json(), "generated_text")
    problem = http_problem(answer)
    if not problem and not isinstance(text, str):
        problem = "HTTP 200 without generated_text"
    times = {}
    for name in _TIMES:
        value = answer.headers.get(f"x-{name}-time", "")
        if value.isdigit():
            times[name] = int(value) / 1000
    return {**view_http(answer), "problem": mask(problem), "times": times}


def view_load(answer: Answer) -> dict[str, Any]:
    """``queue`` (requests that wait) and ``batch`` (that are worked on); None: not told."""
    counters = (None if http_problem(answer) else parse_metrics(answer.text)) or {}
    return {name: _whole(counters.get(metric)) for name, metric in _GAUGES.items()}


def _whole(value: float | None) -> int | None:
    return None if value is None else int(value)


async def talk(client: Client, name: str, with_tools: bool) -> dict[str, Any]:
    """A short chat, a stream and a forced tool call; what comes after a failed one is not tried."""
    body = chat.request_body(name, questions.ask(questions.QUESTIONS[0]), questions.MAX_TOKENS)
    said: dict[str, Any] = {"chat": view_chat(await client.send("POST", CHAT, body))}
    if said["chat"]["status"] != 200:
        return said
    question = questions.ask(questions.Question(LONG_QUESTION, ""))
    body = chat.request_body(name, question, LONG_TOKENS, stream=True)
    said["stream"] = view_stream(await client.send("POST", CHAT, body))
    if with_tools:
        said["tools"] = view_call(await client.send("POST", CHAT, request_body(name)))
    return said
