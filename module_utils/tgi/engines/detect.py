"""Recognise the engine that answers by what only it says of itself."""

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
    """An engine's name (``openai``: unknown) and the sign by which it was recognised."""

    engine: str
    because: str = ""


def recognise(info: Answer, metrics: Answer, models: Answer) -> Detected:
    """Recognise the engine from /info, /metrics and /v1/models; each may be missing or closed."""
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
    """Ask for /info, /metrics and /v1/models with the target's key; some engines close them."""
    info, metrics, models = await asyncio.gather(
        *(client.send("GET", path) for path in ("/info", "/metrics", "/v1/models"))
    )
    return info, metrics, models


async def detect(client: Client) -> str:
    """Return a name in ENGINES, ``openai`` if unknown. Sends three requests."""
    return recognise(*await look(client)).engine
