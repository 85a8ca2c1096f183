"""Measure speed roughly, with one request at a time; this is no benchmark.

TTFT: from the request to the first token. TPOT: (last token - first token) / (tokens - 1).
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from ..judges import dialect
from ..judges.dialect import Streamed
from ..judges.http_answer import SEE_OTHERS
from ..judges.questions import nonce
from ..results import MINOR, Outcome
from ..selection import CheckSpec
from ..session import Session
from .fingerprint import alone

#: Streams at one time, and tokens of each.
STREAMS, TOKENS = 4, 4
#: Seconds from first to last token; shorter streams end before the next one begins.
TOO_SHORT = 0.005


async def _stream(session: Session) -> Streamed:
    prompt = f"Request {nonce()}. Tell a story."
    return dialect.read_stream(await session.plain(prompt, TOKENS, stream=True))


async def _alone(session: Session) -> Streamed:
    return dialect.read_stream(await alone(session))


def _ms(stream: Streamed) -> tuple[float, float]:
    times = stream.times
    return times[0] * 1000, (times[-1] - times[0]) * 1000 / max(1, len(times) - 1)


def judge_slo(stream: Streamed, which: int, slo: float) -> Outcome:
    """Compare TTFT (``which`` 0) or TPOT (1), in ms, with ``slo``; 0 only reports it."""
    name = ("TTFT", "TPOT")[which]
    if stream.problem or len(stream.times) < 2:
        problem = f"no {name}: {stream.problem or 'fewer than 2 tokens came'}"
        return Outcome(problem, problem, remedy=SEE_OTHERS)
    spent = _ms(stream)[which]
    seen = f"{name} {spent:.1f} ms over {len(stream.times)} tokens"
    if slo and spent > slo:
        problem = f"{seen}, at most {slo:g} ms expected"
        return Outcome(problem, problem, ms=round(spent))
    return Outcome("", seen + ("" if slo else ", no limit set"), ms=round(spent))


async def smoke_ttft(session: Session) -> Outcome:
    return judge_slo(await _alone(session), 0, session.slo[0])


async def smoke_tpot(session: Session) -> Outcome:
    return judge_slo(await _alone(session), 1, session.slo[1])


def _pace(streams: Sequence[Streamed], seconds: float) -> float:
    return sum(len(one.times) for one in streams) / seconds if seconds else 0.0


def judge_batching(single: Streamed, streams: Sequence[Streamed]) -> Outcome:
    """Check that all streams are complete and overlap.

    The total time means little on a busy machine. A first token that comes before another
    stream's last one proves that they overlap.
    """
    broken = [one for one in streams if one.problem or not one.times]
    if broken:
        problem = f"{len(broken)} of {len(streams)} simultaneous streams failed"
        problem += f": {broken[0].problem or 'no text'}"
        return Outcome(problem, problem)
    wall = max(one.times[-1] for one in streams)
    together, one = _pace(streams, wall), _pace([single], max(single.times, default=0.0))
    seen = f"{len(streams)} streams: {together:.0f} tokens/s together, {one:.0f} alone"
    spans = sorted((one.times[0], one.times[-1]) for one in streams)
    in_turn = all(first[1] <= later[0] for first, later in zip(spans, spans[1:]))
    if in_turn and all(end - start >= TOO_SHORT for start, end in spans):
        problem = f"one after the other: {seen}"
        return Outcome(problem, problem, ms=round(wall * 1000))
    if in_turn:
        seen += ", too fast to tell whether they overlap"
    return Outcome("", seen, ms=round(wall * 1000))


async def smoke_batching(session: Session) -> Outcome:
    single = await _alone(session)
    streams = await asyncio.gather(*(_stream(session) for _ in range(STREAMS)))
    return judge_batching(single, streams)


SPECS: tuple[CheckSpec, ...] = (
    CheckSpec(
        "smoke.ttft",
        "smoke",
        "the first token comes in time (checks_ttft_ms)",
        "Look for other load (nvidia-smi), a queue (tgi_queue_size) or a busy CPU; choose the "
        "profile latency",
        smoke_ttft,
        stage=3,
        grounds=("stream",),
        severity=MINOR,
    ),
    CheckSpec(
        "smoke.tpot",
        "smoke",
        "tokens follow in time (checks_tpot_ms)",
        "Look for other load (nvidia-smi), clocks lowered for heat or power, or a quantisation "
        "without fast kernels",
        smoke_tpot,
        stage=3,
        grounds=("stream",),
        severity=MINOR,
    ),
    CheckSpec(
        "smoke.batching",
        "smoke",
        "four simultaneous streams are complete and overlap",
        "The engine serves one request at a time: raise max_batch_total_tokens or max_batch_size, "
        "lower max_total_tokens",
        smoke_batching,
        stage=3,
        grounds=("stream", "process"),
        severity=MINOR,
    ),
)
