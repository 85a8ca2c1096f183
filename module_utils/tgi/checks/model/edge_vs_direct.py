"""Measure a stream, and compare the edge view's figures with the direct view's."""

from __future__ import annotations

from collections.abc import Mapping
from statistics import median
from typing import Any

from ...client.answer import Answer
from ...client.http_problem import dig, http_problem
from ...common.text import trim
from ..judges import chat
from ..judges.bursts import burst_ratio
from ..judges.http_answer import SEE_OTHERS
from ..results import Outcome
from ..session import Session

#: Milliseconds that a gateway may add to the first token.
MOST_ADDED = 100.0
#: A larger count of tokens is impossible in a check.
_MOST_TOKENS = 10**9


def figures_of(answer: Answer) -> dict[str, Any]:
    """Return the figures of one chat stream; empty without text. Times count from the request.

    ``ttft_ms``: to the first event with text. ``e2e_ms``: to the last one. ``tpot_ms``:
    (e2e - ttft) / (completion_tokens - 1), as vLLM defines it; AIPerf and guidellm call it ITL.
    ``chunks``: events with text. ``bursts``: groups in which they arrived.
    ``events_per_read``: average number of events in one piece. ``completion_tokens``: the
    server's own count. An unknown figure is None.
    """
    stream = chat.read_stream(answer)
    times = stream.times
    if not times:
        return {}
    said = chat.completion_tokens(answer)
    tokens = said if 0 < said < _MOST_TOKENS else None
    ends = [dig(stream.items[at], "choices", 0, "finish_reason") for at in stream.finishes]
    first, last = times[0] * 1000, times[-1] * 1000
    return {
        "ttft_ms": round(first, 1),
        "tpot_ms": round((last - first) / (tokens - 1), 2) if tokens and tokens > 1 else None,
        "e2e_ms": round(last, 1),
        "chunks": len(times),
        "bursts": round(burst_ratio(times) * len(times)),
        "events_per_read": round(len(times) / len(set(times)), 2),
        "finish_reason": trim(ends[-1], 40) if ends else None,
        "completion_tokens": tokens,
        "unbuffered_by_engine": answer.headers.get("x-accel-buffering") == "no",
    }


def judge_same(answer: Answer, direct: Mapping[str, Any]) -> Outcome:
    """Check that a stream ends through the gateway as it does in the direct view.

    The two prompts differ by a nonce. So another text, with another reason to stop, is not the
    gateway's fault.
    """
    if problem := http_problem(answer):
        return Outcome(problem, problem, "", SEE_OTHERS, soft=True)
    edge = figures_of(answer)
    problems, doubts = [], []
    for name in ("finish_reason", "completion_tokens"):
        if direct.get(name) is not None and edge.get(name) is None:
            problems.append(f"no {name} here, {direct[name]} in the direct view")
    same = edge.get("finish_reason") == direct.get("finish_reason")
    if not problems and not same:
        doubts.append(
            f"finish_reason {edge['finish_reason']}, {direct.get('finish_reason')} direct"
        )
    lengths = [one.get("completion_tokens") for one in (edge, direct)]
    if same and edge.get("finish_reason") == "length" and lengths[0] != lengths[1]:
        problems.append(f"{lengths[0]} tokens, {lengths[1]} in the direct view")
    if all(lengths) and _per_token(edge) < 0.5 * _per_token(direct):
        problems.append(
            f"{edge['chunks']} events for {lengths[0]} tokens, "
            f"{direct.get('chunks')} for {lengths[1]} in the direct view: events are lost or merged"
        )
    seen = f"{edge.get('finish_reason')}, {edge.get('completion_tokens')} tokens, as in direct"
    found = [*problems, *doubts]
    if not found:
        return Outcome("", seen, ms=answer.ms)
    return Outcome(found[0], found[0], "; ".join(found[1:]), ms=answer.ms, soft=not problems)


def _per_token(figures: Mapping[str, Any]) -> float:
    return float((figures.get("chunks") or 0) / (figures.get("completion_tokens") or 1))


async def stream_same(session: Session) -> Outcome:
    return judge_same(await session.chat_stream(), session.model.figures)


def judge_latency(ttfts: list[float], direct: Mapping[str, Any]) -> Outcome:
    """Check how much the gateway adds to the median time to first token."""
    if not ttfts or not isinstance(direct.get("ttft_ms"), (int, float)):
        problem = "no first token to compare"
        return Outcome(problem, problem, "", SEE_OTHERS, soft=True)
    edge, base = median(ttfts), float(direct["ttft_ms"])
    seen = f"first token after {edge:.0f} ms, {base:.0f} ms in the direct view"
    return Outcome("" if edge - base < MOST_ADDED else seen, seen, attempts=len(ttfts))


async def stream_latency(session: Session) -> Outcome:
    """Ask twice more before calling it slow: one request may have waited in the queue."""
    answers = [await session.chat_stream()]
    for _ in range(3):
        times = [figures_of(one)["ttft_ms"] for one in answers if figures_of(one)]
        found = judge_latency(times, session.model.figures)
        if not found.problem or len(answers) == 3 or not times:
            break
        answers.append(await session.ask_stream())
    return found
