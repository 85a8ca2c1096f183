"""Read the GPUs' current memory, heat, power and processes from nvidia-smi."""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path
from typing import Any

from ...common.commands import Ask
from ...common.files import read
from .gpus import AILING

_FIELDS = {
    "index": "index",
    "uuid": "uuid",
    "memory.used": "memory_used",
    "memory.total": "memory_total",
    "utilization.gpu": "busy",
    "temperature.gpu": "celsius",
    "power.draw": "watts",
    "power.limit": "watts_limit",
    "clocks.sm": "mhz",
    "clocks.max.sm": "mhz_most",
    "clocks_throttle_reasons.active": "throttle",
}
# Bits of that mask, from nvml.h; idle (1), fixed clocks (2) and sync boost (10) are harmless
THROTTLES = {
    0x4: "the power cap",
    0x8: "a hardware slowdown",
    0x20: "heat",
    0x40: "heat (hardware)",
    0x80: "the power supply (power brake)",
}


def live(ask: Ask) -> list[dict[str, Any]]:
    """Return one entry per GPU: index, uuid (text), numbers or None, throttled (list of words).

    Empty if nvidia-smi does not know these fields.
    """
    query = f"--query-gpu={','.join(_FIELDS)}"
    code, text = ask(["nvidia-smi", query, "--format=csv,noheader,nounits"])
    cards: list[dict[str, Any]] = []
    for line in text.splitlines() if code == 0 or code in AILING else ():
        values = [value.strip() for value in line.split(",")]
        if len(values) != len(_FIELDS):
            continue
        card: dict[str, Any] = dict(zip(_FIELDS.values(), values))
        mask = _hexadecimal(card.pop("throttle"))
        for name in set(card) - {"index", "uuid"}:
            card[name] = _number(card[name])
        card["throttled"] = [word for bit, word in THROTTLES.items() if mask & bit]
        cards.append(card)
    return cards


def holders(
    ask: Ask, containers: Collection[str] = (), proc: Path = Path("/proc")
) -> list[dict[str, Any]]:
    """Return processes with GPU memory: uuid, pid (int), name, mib (int), ours (bool).

    ``ours``: the process's control group is one of ``containers`` (ids).
    """
    query = "--query-compute-apps=gpu_uuid,pid,process_name,used_memory"
    code, text = ask(["nvidia-smi", query, "--format=csv,noheader,nounits"])
    found = []
    for line in text.splitlines() if code == 0 or code in AILING else ():
        values = [value.strip() for value in line.split(",")]
        if len(values) == 4 and values[1].isdigit() and values[3].isdigit():
            uuid, pid, name, mib = values
            # Only the name: a command line may contain a secret
            short = name.split()[0].rpartition("/")[2] if name.split() else ""
            group = read(proc / pid / "cgroup")
            ours = any(one in group for one in containers)
            found.append(
                {"uuid": uuid, "pid": int(pid), "name": short, "mib": int(mib), "ours": ours}
            )
    return found


def _number(text: str) -> float | None:
    try:
        return float(text)
    except ValueError:
        return None


def _hexadecimal(text: str) -> int:
    try:
        return int(text, 16)
    except ValueError:
        return 0
