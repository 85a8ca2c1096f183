"""Catalogue of the direct view: each model on its own port of the GPU host."""

from __future__ import annotations

from .model import (
    basic,
    cancel,
    completions,
    context,
    conversation,
    degenerate,
    direct_identity,
    fingerprint,
    gpu_access,
    guided,
    health_and_counters,
    speed,
    tools,
)
from .selection import SELFTEST, CheckSpec
from .selftest import selftest

DIRECT = (
    CheckSpec(
        SELFTEST,
        "selftest",
        "the checks' own parser accepts good samples and rejects bad ones",
        "The checks themselves are broken: trust no verdict, and report the defect",
        selftest,
        stage=0,
        per_model=False,
        generates=False,
        apart=True,
    ),
    *health_and_counters.FIRST,
    *direct_identity.FIRST,
    CheckSpec(
        "model.info",
        "identity",
        "/info names the declared model, revision and limits",
        "An old container still holds the port, or the deployed file differs from tgi_models: "
        "run the tgi role again, then compare docker ps and ss -ltnp",
        basic.model_info,
        needs=("info",),
        grounds=("engine",),
        generates=False,
    ),
    *direct_identity.SPECS,
    *gpu_access.SPECS,
    *fingerprint.SPECS,
    CheckSpec(
        "generate.basic",
        "generate",
        "text with finite logprobs and matching counts",
        "Healthy but not generating: read the engine's log, free the GPU's memory "
        "(nvidia-smi), restart the container",
        basic.generate_basic,
        needs=("native",),
    ),
    CheckSpec(
        "generate.stream",
        "generate",
        "numbered tokens, one ending, clean end of stream",
        "The engine fails while it streams: read its log of that time (CUDA error, "
        "out of memory, dead worker)",
        basic.generate_stream,
        needs=("native",),
    ),
    CheckSpec(
        "chat.basic",
        "chat",
        "one answer with text, finish_reason and usage",
        "Compare with generate.basic: if that passes, check the chat template and the tokenizer "
        "revision",
        basic.chat_basic,
        needs=("chat",),
    ),
    CheckSpec(
        "chat.stream",
        "chat",
        "one finish_reason, usage, [DONE] last, no error event",
        "A worker died or a time-out cut the stream: read the engine's log of that time",
        basic.chat_stream,
        needs=("chat",),
        grounds=("stream",),
    ),
    CheckSpec(
        "chat.canary",
        "chat",
        "correct answers to simple questions",
        "The model answers but makes no sense: check chat template, tokenizer revision and "
        "quantisation; lower checks_canary_passes only for a model that cannot know the answers",
        basic.chat_canary,
        stage=2,
        needs=("chat",),
    ),
    *direct_identity.LAST,
    *conversation.SPECS,
    *completions.SPECS,
    *degenerate.SPECS,
    *tools.SPECS,
    *guided.SPECS,
    *context.SPECS,
    *speed.SPECS,
    *cancel.SPECS,
    *health_and_counters.SPECS,
    *health_and_counters.LAST,
)
