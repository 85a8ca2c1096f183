"""Send a few requests to one model, and return the results as plain data.

Client and GPU host send the same requests, so that their results can be compared. Of prompts and
responses only a few words of our own question are kept.
"""

from __future__ import annotations

from typing import Any

from ...checks.judges import chat, native, questions
from ...checks.judges.metrics import parse_metrics
from ...checks.model.streaming import judge_bursts
from ...checks.session import LONG_TOKENS, Session
from ...client.answer import Answer
from ...client.http_problem import dig, error_text, http_problem
from ...common.text import mask, trim
from .forced_call import force_call

_GAUGES = {"queue": "tgi_queue_size", "batch": "tgi_batch_current_size"}
#: Milliseconds in the headers x-NAME-time of /generate
_TIMES = ("total", "validation", "queue", "inference")


def view_http(answer: Answer) -> dict[str, Any]:
    """Return ``status`` (0: none), ``fault``, ``ms``, and ``error`` and ``code`` of a body."""
    reply = answer.json()
    # An engine may repeat a token of its own
    error = mask(error_text(reply)) if answer.status != 200 else ""
    if answer.status in (502, 504) and not error and "x-request-id" not in answer.headers:
        error = (
            "by a balancer, not by the gateway: let it speak https to gateway_https_port, and set "
            "gateway_without_sni if it names no host"
        )
    return {
        "status": answer.status,
        "fault": trim(answer.fault, 160),
        "error": error,
        "code": trim(dig(reply, "error", "code") or dig(reply, "error_type") or "", 40),
        "ms": answer.ms,
    }


def view_chat(answer: Answer) -> dict[str, Any]:
    """Return a short chat's response: as HTTP, with its ``problem`` as a chat and some ``text``."""
    judged = chat.judge_chat(answer, questions.MAX_TOKENS)
    return {
        **view_http(answer),
        "problem": mask(judged.problem),
        "remedy": judged.remedy,
        "text": mask(trim(judged.observed, 60)),
    }


def view_stream(answer: Answer) -> dict[str, Any]:
    """Return ``chunks``, and ``ttft``, ``tpot``, ``total`` in seconds (None: not seen).

    ``merged``: how its events came in bursts; one stream alone proves nothing.
    """
    stream, bursts = chat.read_stream(answer), judge_bursts(answer)
    times = stream.times
    gaps = len(times) - 1
    return {
        **view_http(answer),
        "problem": mask(chat.judge_chat_stream(answer, LONG_TOKENS).problem),
        "ttft": round(times[0], 3) if times else None,
        "tpot": round((times[-1] - times[0]) / gaps, 4) if gaps > 0 else None,
        "total": round(answer.ms / 1000, 3),
        "chunks": len(times),
        "merged": bursts.observed if bursts.problem and not bursts.soft else "",
    }


def view_generate(answer: Answer) -> dict[str, Any]:
    """Return one native generation; ``times`` in seconds are from TGI's headers."""
    judged = native.judge_generate(answer)
    times = {}
    for name in _TIMES:
        value = answer.headers.get(f"x-{name}-time", "")
        if value.isdigit():
            times[name] = int(value) / 1000
    return {
        **view_http(answer),
        "problem": mask(judged.problem),
        "remedy": judged.remedy,
        "times": times,
    }


def view_info(answer: Answer) -> dict[str, Any]:
    """Return what /info says of the model and of its limits; None: not said."""
    info = None if http_problem(answer) else answer.json()
    return {
        "model_id": _said(dig(info, "model_id")),
        "revision": _said(dig(info, "model_sha")),
        "label": _said(dig(info, "docker_label")),
        "places": dig(info, "max_concurrent_requests"),
    }


def _said(value: Any) -> str | None:
    return mask(trim(value, 120)) if isinstance(value, str) else None


def view_load(answer: Answer) -> dict[str, Any]:
    """Return how many requests are in ``queue`` and in ``batch``; None: unknown."""
    counters = (None if http_problem(answer) else parse_metrics(answer.text)) or {}
    return {name: _whole(counters.get(metric)) for name, metric in _GAUGES.items()}


def _whole(value: float | None) -> int | None:
    return None if value is None else int(value)


async def talk(session: Session, with_tools: bool) -> dict[str, Any]:
    """Ask for a short chat, a stream and a forced tool call; stop after a failed chat."""
    first = await session.chat()
    said: dict[str, Any] = {"chat": view_chat(first)}
    if said["chat"]["status"] != 200:
        return said
    said["stream"] = view_stream(await session.chat_stream())
    if with_tools:
        said["tools"] = await force_call(session, first)
    return said
