"""The direct view: each model on its own port of the GPU host."""

from __future__ import annotations

from . import (
    cancel,
    completions,
    conversation,
    fingerprint,
    gpu_access,
    guided,
    identity_direct,
    limits,
    smoke,
    text,
    tools,
    witness,
)
from .plan import SELFTEST, Spec
from .selftest import selftest

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
    *witness.FIRST,
    *identity_direct.FIRST,
    Spec(
        "model.info",
        "identity",
        "/info names the declared model, revision and limits",
        "An old container still holds the port, or the deployed file differs from tgi_models: "
        "run the tgi role again, then compare docker ps and ss -ltnp",
        text.model_info,
        needs=("info",),
        generates=False,
    ),
    *identity_direct.SPECS,
    *gpu_access.SPECS,
    *fingerprint.SPECS,
    Spec(
        "generate.basic",
        "generate",
        "text with finite logprobs and matching counts",
        "Healthy but not generating: read the engine's log, free the GPU's memory "
        "(nvidia-smi), restart the container",
        text.generate_basic,
        needs=("native",),
    ),
    Spec(
        "generate.stream",
        "generate",
        "numbered tokens, one ending, clean end of stream",
        "The engine breaks while it streams: read its log at this time (CUDA error, "
        "out of memory, a worker that died)",
        text.generate_stream,
        needs=("native",),
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
    *identity_direct.LAST,
    *conversation.SPECS,
    *completions.SPECS,
    *tools.SPECS,
    *guided.SPECS,
    *limits.SPECS,
    *smoke.SPECS,
    *cancel.SPECS,
    *witness.SPECS,
    *witness.LAST,
)
