"""Which engine answers? By what only it says of itself, never by what was declared."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass

from ..client.answer import Answer
from ..client.http_client import Client
from ..client.http_problem import dig, http_problem
from .profiles import ENGINES

#: ``owned_by`` in /v1/models. TGI gives the model's id there.
_OWNERS = {"vllm": "vllm", "sglang": "sglang", "llamacpp": "llamacpp"}


@dataclass(frozen=True)
class Detected:
    """An engine's name (``openai``: none that is known) and by what it was recognised."""

    engine: str
    because: str = ""


def recognise(info: Answer, metrics: Answer, models: Answer) -> Detected:
    """Judge /info, /metrics and /v1/models; any of them may be missing or closed."""
    said = None if http_problem(info) else info.json()
    router = dig(said, "router") == "text-generation-router"
    if router or (dig(said, "model_id") and dig(said, "max_total_tokens")):
        return Detected("tgi", "/info is TGI's")
    text = "" if http_problem(metrics) else metrics.text
    for engine in ENGINES.values():
        if engine.mark and any(line.startswith(engine.mark) for line in text.splitlines()):
            return Detected(engine.name, f"/metrics has {engine.mark}…")
    owner = None if http_problem(models) else dig(models.json(), "data", 0, "owned_by")
    if isinstance(owner, str) and owner in _OWNERS:
        return Detected(_OWNERS[owner], f"/v1/models is owned by {owner}")
    if any("llama.cpp" in one.headers.get("server", "") for one in (models, info, metrics)):
        return Detected("llamacpp", "header Server: llama.cpp")
    return Detected("openai")


async def look(client: Client) -> tuple[Answer, Answer, Answer]:
    """/info, /metrics and /v1/models, with the target's key: some engines close all of them."""
    info, metrics, models = await asyncio.gather(
        *(client.send("GET", path) for path in ("/info", "/metrics", "/v1/models"))
    )
    return info, metrics, models


async def detect(client: Client) -> str:
    """A name in ENGINES; ``openai`` when nothing says who it is. Three requests."""
    return recognise(*await look(client)).engine
