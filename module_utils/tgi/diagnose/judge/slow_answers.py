"""Slow answers: which part of one is slow, and where its time goes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ..finding import Found, Limits, Scene, broken, not_reached, ok

#: What is slow, as codes of the links "speed" and "pace"
FIRST, NEXT = "ttft", "tpot"


def seconds(value: float | None) -> str:
    """Such as ``0.18 s`` or ``12 ms``; a dash for what was not seen."""
    if value is None:
        return "-"
    return f"{value:.2g} s" if value >= 0.1 else f"{value * 1000:.0f} ms"


def slow_parts(stream: Mapping[str, Any], limits: Limits) -> list[str]:
    """Which of ttft and tpot are above the limits."""
    parts = ((FIRST, limits.ttft), (NEXT, limits.tpot))
    return [name for name, most in parts if (stream.get(name) or 0) > most]


def judge_pace(scene: Scene) -> Found:
    """The engine by itself: waiting in the queue, the prompt, or each further token."""
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
            f"{said}: requests wait for their turn",
            "more replicas or GPUs, a smaller tier for who sends most, max_batch_total_tokens as "
            "high as memory allows, max_concurrent_requests lower so that the rest is told 429",
        )
    if FIRST in slow:
        return broken(
            "prefill",
            f"{said}: the time goes before the first token, without a queue",
            "long prompts of others hold the GPU: lower max_batch_prefill_tokens, or "
            "max_input_tokens; give this model a GPU of its own",
        )
    return broken(
        "decode",
        f"{said}: every token takes long",
        "a GPU that is slowed down or shared (nvidia-smi), a batch that is too large "
        "(max_batch_size), a model too large for it: quantize, num_shard; on a CPU it is so",
    )


def _load(load: Mapping[str, Any], times: Mapping[str, float]) -> str:
    parts = []
    if load.get("queue") is not None:
        parts.append(f"{load['queue']} in the queue")
    if load.get("batch") is not None:
        parts.append(f"batch of {load['batch']}")
    if times.get("queue") is not None:
        parts.append(f"{seconds(times['queue'])} waited")
    return f" ({', '.join(parts)})" if parts else ""


def judge_throttle(scene: Scene) -> Found:
    """Whether a card says that it is held back; at full load that is no trouble by itself."""
    cards: Sequence[Mapping[str, Any]] = scene.own.get("cards") or []
    if not cards:
        return not_reached("nvidia-smi tells nothing of clocks and power here")
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
        "cooling and air flow; nvidia-smi -q -d PERFORMANCE; a power limit that somebody set "
        "(nvidia-smi -pl); the power supply for a power brake",
    )


def _clock(card: Mapping[str, Any]) -> str:
    names = ("mhz", "mhz_most", "celsius", "watts", "watts_limit")
    value = {name: f"{card[name] or 0:.0f}" for name in names}
    return (
        f"GPU {card['index']} {value['mhz']} of {value['mhz_most']} MHz, {value['celsius']} °C, "
        f"{value['watts']} of {value['watts_limit']} W"
    )
