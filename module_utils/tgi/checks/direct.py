"""The direct view: each model on its own port of the GPU host."""

from __future__ import annotations

import asyncio

from . import completions, conversation, guided, limits, smoke, text, tools, witness
from .judge import SEE_OTHERS, http_problem, outcome
from .metrics import shortfall
from .plan import SELFTEST, Spec
from .report import Outcome
from .selftest import selftest
from .session import Session


async def health_status(session: Session) -> Outcome:
    """A3: 200 and no page of somebody else's. Never counts as proof of generation."""
    answer = await session.client.send("GET", "/health", key=None)
    problem = http_problem(answer)
    if not problem and answer.body and answer.media_type != "application/json":
        problem = "something else than TGI answers here"
    return outcome(answer, [problem] if problem else [], "HTTP 200")


async def metrics_format(session: Session) -> Outcome:
    """L1: /metrics is Prometheus text (empty on a fresh engine)."""
    counters = await session.first_counters()
    if counters is None:
        problem = "/metrics is not readable, or no Prometheus text"
        return Outcome(problem, problem)
    return Outcome("", f"{len(counters)} series")


async def metrics_delta(session: Session) -> Outcome:
    """L2: the engine's counters saw our requests. They may lag an answer by a moment."""
    if not session.witnessed:
        await session.generate()
    before = await session.first_counters()
    if before is None:
        problem = "/metrics could not be read"
        return Outcome(problem, problem, remedy=SEE_OTHERS)
    requests, tokens = len(session.witnessed), sum(session.witnessed)
    if not requests:
        problem = "no generation ended well, nothing to count"
        return Outcome(problem, problem, remedy=SEE_OTHERS)
    for attempt in range(1, 6):
        after = await session.read_counters()
        missing = (
            ["/metrics could not be read"]
            if after is None
            else shortfall(before, after, requests, tokens)
        )
        if not missing:
            return Outcome("", f"{requests} requests, {tokens} tokens counted", attempts=attempt)
        await asyncio.sleep(0.2)
    return Outcome(missing[0], missing[0], "; ".join(missing[1:]), attempts=attempt)


DIRECT = (
    Spec(
        SELFTEST,
        "selftest",
        "the checks' own parser tells good from bad",
        "This is a defect of the checks: report it, and trust no verdict until it is mended",
        selftest,
        stage=0,
        per_model=False,
        generates=False,
    ),
    Spec(
        "health.status",
        "health",
        "GET /health: 200",
        "Engine not up: look at the container and the end of its log (docker compose ps, logs)",
        health_status,
        stage=0,
        generates=False,
    ),
    Spec(
        "metrics.format",
        "metrics",
        "GET /metrics: Prometheus text",
        "Something else than the engine answers on this port: docker ps, ss -ltnp",
        metrics_format,
        stage=0,
        generates=False,
    ),
    Spec(
        "model.info",
        "identity",
        "/info names the declared model, revision and limits",
        "An old container still holds the port, or the deployed file differs from tgi_models: "
        "run the tgi role again, then compare docker ps and ss -ltnp",
        text.model_info,
        generates=False,
    ),
    Spec(
        "generate.basic",
        "generate",
        "text with finite logprobs and matching counts",
        "Healthy but not generating: read the engine's log, free the GPU's memory "
        "(nvidia-smi), restart the container",
        text.generate_basic,
    ),
    Spec(
        "generate.stream",
        "generate",
        "numbered tokens, one ending, clean end of stream",
        "The engine breaks while it streams: read its log at this time (CUDA error, "
        "out of memory, a worker that died)",
        text.generate_stream,
    ),
    Spec(
        "chat.basic",
        "chat",
        "one answer with text, finish_reason and usage",
        "Compare with generate.basic: when that passes, the chat template or the tokenizer "
        "revision is wrong",
        text.chat_basic,
        needs=("chat",),
    ),
    Spec(
        "chat.stream",
        "chat",
        "one finish_reason, usage, [DONE] last, no error event",
        "A worker died or a time-out cut the stream: read the engine's log at this time",
        text.chat_stream,
        needs=("chat",),
    ),
    Spec(
        "chat.canary",
        "chat",
        "simple questions are answered right",
        "It answers but makes no sense: wrong chat template, wrong tokenizer revision or "
        "broken quantisation; lower checks_canary_passes only for a model that cannot know",
        text.chat_canary,
        stage=2,
        needs=("chat",),
    ),
    *conversation.SPECS,
    *completions.SPECS,
    *tools.SPECS,
    *guided.SPECS,
    *limits.SPECS,
    *smoke.SPECS,
    *witness.SPECS,
    Spec(
        "metrics.delta",
        "metrics",
        "the engine's counters saw our requests",
        "Another instance answers than the one measured: look for two containers on one "
        "port (docker ps, ss -ltnp)",
        metrics_delta,
        stage=3,
    ),
    Spec(
        "health.after",
        "health",
        "still healthy after all checks",
        "The engine fell over while it was checked: read its log for the request that did it",
        health_status,
        stage=4,
        generates=False,
    ),
)
