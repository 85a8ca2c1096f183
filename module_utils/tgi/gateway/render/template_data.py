"""Compute what the gateway's templates need beyond its variables."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Iterable, Mapping
from typing import Any

from ...common.places import GATEWAY_STATE
from ...models.model_rules import DEFAULT_ALIAS
from .upstreams import blocks_of

#: The engine that the role tgi deploys
DEFAULT_ENGINE = "tgi"


def nginx_rate(per_second: Any) -> str:
    """Write a rate, 1/60 or more, as nginx takes it: whole requests per second, else a minute."""
    rate = float(per_second)
    if rate >= 1 and rate.is_integer():
        return f"{int(rate)}r/s"
    return f"{round(rate * 60)}r/m"


def nginx_retry_after(per_second: Any) -> int:
    """Return the seconds, rounded up, until one more request fits into a rate."""
    return max(1, math.ceil(1 / float(per_second)))


def nginx_digest(key: Any) -> str:
    """Return a short digest of what a limit counts by, for the names of its zone and variable.

    nginx keeps its old configuration, without failing, when a zone's key changes under its name.
    """
    return hashlib.sha256(str(key).encode()).hexdigest()[:8]


def nginx_burst(burst: Any) -> str:
    """Return the parameters of limit_req for a burst that is served at once, not queued."""
    return f" burst={int(burst)} nodelay" if int(burst) > 0 else ""


def nginx_models(
    backends: Iterable[Mapping[str, Any]], tool_streams: str = "whole"
) -> dict[str, Any]:
    """Return what the njs code reads: names to a model, the default one, and /v1/models.

    ``engines`` names the engine of each model, which decides how it is spoken to; ``live`` says
    whether streamed tool calls pass as the engine streams them.

    ``replicated`` has the models with more than one replica, which have a location of their own;
    ``lists`` has the part of ``list`` that is each model's. ``blocks`` has the names of the
    replicas of each block, of models that have several; ``flags`` is where drained replicas are
    named.

    An alias is listed as a model whose ``root`` is the name it stands for, as vLLM lists
    adapters; the default's alias ``tgi`` works without being listed.
    """
    entries = list(backends)
    names: dict[str, str] = {DEFAULT_ALIAS: entries[0]["name"]}
    listed = []
    for backend in entries:
        for label in [backend["name"], *(backend.get("aliases") or [])]:
            names[label] = backend["name"]
            listed.append(
                {
                    "id": label,
                    "object": "model",
                    "created": 0,
                    "owned_by": backend["model_id"],
                    "root": backend["name"],
                }
            )
    shown_names = ", ".join(entry["id"] for entry in listed)
    page = {"object": "list", "data": listed}
    lists: dict[str, dict[str, Any]] = {}
    for entry in listed:
        lists.setdefault(entry["root"], {"object": "list", "data": []})["data"].append(entry)
    replicated = {e["name"]: len(e["replicas"]) for e in entries if len(e["replicas"]) > 1}
    blocks = {
        entry["name"]: [[entry["replicas"][place]["name"] for place in places] for places in parts]
        for entry in entries
        if len(parts := blocks_of(entry)) > 1
    }
    return {
        "names": names,
        "default": entries[0]["name"],
        "replicated": replicated,
        "engines": {entry["name"]: entry.get("engine") or DEFAULT_ENGINE for entry in entries},
        "live": tool_streams == "live",
        "shown": shown_names,
        "list": page,
        "lists": lists,
        "blocks": blocks,
        "flags": f"{GATEWAY_STATE}/drain",
    }
