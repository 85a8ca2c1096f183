"""Judge slow responses: which part is slow, and where the time is lost."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ..finding import Found, Limits, Scene, broken, not_reached, ok

#: Codes of the links "speed" and "pace"
FIRST, NEXT = "ttft", "tpot"


def seconds(value: float | None) -> str:
    """Return text such as ``0.18 s`` or ``12 ms``; a dash for None."""
    if value is None:
        return "-"
    return f"{value:.2g} s" if value >= 0.1 else f"{value * 1000:.0f} ms"


def slow_parts(stream: Mapping[str, Any], limits: Limits) -> list[str]:
    """Return which of ttft and tpot are above the limits."""
    parts = ((FIRST, limits.ttft), (NEXT, limits.tpot))
    return [name for name, most in parts if (stream.get(name) or 0) > most]


def judge_pace(scene: Scene) -> Found:
    """Judge the engine alone: is the queue slow, the prompt, or each further token?"""
    stream, generate = scene.model.get("stream"), scene.model.get("generate")
    if not stream or stream["problem"]:
        return not_reached()
    load, times = scene.model.get("load") or {}, (generate or {}).get("times") or {}
    said = f"TTFT {seconds(stream['ttft'])}, TPOT {seconds(stream['tpot'])} direct"
    said += _load(load, times)
    slow = slow_parts(stream, scene.picture.limits)
    if not slow:
        return ok(said)
    waited, whole = times.get("queue") or 0.0, times.get("total") or 0.0
    if (load.get("queue") or 0) > 0 or (waited > 1 and waited > whole / 2):
        return broken(
            "queue",
            f"{said}: requests wait in the queue",
            "add replicas or GPUs, give the busiest consumer a smaller tier, raise "
            "max_batch_total_tokens, or lower max_concurrent_requests so that the rest get 429",
        )
    if FIRST in slow:
        return broken(
            "prefill",
            f"{said}: the first token is slow, without a queue",
            "long prompts hold the GPU: lower max_batch_prefill_tokens or max_input_tokens, or "
            "give this model its own GPU",
        )
    return broken(
        "decode",
        f"{said}: every token takes long",
        "check whether the GPU is slowed down or shared (nvidia-smi); lower max_batch_size, set "
        "quantize, or raise num_shard; on a CPU this is normal",
    )


def _load(load: Mapping[str, Any], times: Mapping[str, float]) -> str:
    parts = []
    if load.get("queue") is not None:
        parts.append(f"{load['queue']} in the queue")
    if load.get("batch") is not None:
        parts.append(f"batch of {load['batch']}")
    if times.get("queue") is not None:
        parts.append(f"waited {seconds(times['queue'])}")
    return f" ({', '.join(parts)})" if parts else ""


def judge_throttle(scene: Scene) -> Found:
    """Judge whether a GPU is slowed down; that is no fault while every model is fast."""
    cards: Sequence[Mapping[str, Any]] = scene.own.get("cards") or []
    if not cards:
        return not_reached("nvidia-smi does not show clocks and power here")
    held = [card for card in cards if card["throttled"]]
    if not held:
        return ok("; ".join(_clock(card) for card in cards))
    one = held[0]
    said = f"GPU {one['index']} is slowed down by {' and '.join(one['throttled'])}: {_clock(one)}"
    streams = [model.get("stream") or {} for model in scene.own.get("models") or []]
    if not any(slow_parts(stream, scene.picture.limits) for stream in streams):
        return ok(f"{said}; no model here is slow")
    return broken(
        "throttled",
        said,
        "check cooling, the power limit (nvidia-smi -pl) and, for a power brake, the power supply; "
        "nvidia-smi -q -d PERFORMANCE shows the reason",
    )


def _clock(card: Mapping[str, Any]) -> str:
    names = ("mhz", "mhz_most", "celsius", "watts", "watts_limit")
    value = {name: f"{card[name] or 0:.0f}" for name in names}
    return (
        f"GPU {card['index']} {value['mhz']} of {value['mhz_most']} MHz, {value['celsius']} °C, "
        f"{value['watts']} of {value['watts_limit']} W"
    )
