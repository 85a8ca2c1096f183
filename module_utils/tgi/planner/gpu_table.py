"""GPUs by the name that nvidia-smi prints: memory, compute capability, and TGI's own table."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, NamedTuple

from ..common.problem import number, shown, whole

# Name -> (memory.total in MiB as nvidia-smi prints it with ECC on, compute capability)
_KNOWN = {
    "Tesla V100-SXM2-32GB": (32768, 7.0),
    "Tesla T4": (15360, 7.5),
    "NVIDIA A100-SXM4-40GB": (40960, 8.0),
    "NVIDIA A100-SXM4-80GB": (81920, 8.0),
    "NVIDIA A100 80GB PCIe": (81920, 8.0),
    "NVIDIA A10": (23028, 8.6),
    "NVIDIA A10G": (23028, 8.6),
    "NVIDIA A40": (46068, 8.6),
    "NVIDIA GeForce RTX 3090": (24576, 8.6),
    "NVIDIA L4": (23034, 8.9),
    "NVIDIA L40": (46068, 8.9),
    "NVIDIA L40S": (46068, 8.9),
    "NVIDIA GeForce RTX 4090": (24564, 8.9),
    "NVIDIA H100 80GB HBM3": (81559, 9.0),
    "NVIDIA H100 NVL": (95830, 9.0),
    "NVIDIA H200": (143771, 9.0),
    "NVIDIA B200": (183359, 10.0),
    "NVIDIA GeForce RTX 5090": (32607, 12.0),
    "NVIDIA RTX PRO 6000 Blackwell Server Edition": (97887, 12.0),
}
# launcher/src/main.rs: dense f16 TFLOP/s by a name that must match to the letter, so that
# "Tesla T4" or "NVIDIA GeForce RTX 4090", as nvidia-smi has it, is unknown to TGI
_TFLOPS = {
    "nvidia-4090": 82,
    "nvidia-t4": 65,
    "nvidia-l4": 121,
    "nvidia-l40": 181,
    "nvidia-l40s": 363,
    "nvidia-a10g": 125,
    "nvidia-a40": 149,
    "nvidia-h100-80gb-hbm3": 900,
    "nvidia-h100-nvl": 900,
    "nvidia-h100": 900,
    "nvidia-a100-sxm4-80gb": 312,
    "nvidia-a100-sxm4-40gb": 312,
    "nvidia-a100-80gb-pcie": 312,
    "nvidia-a100": 312,
    "nvidia-h200": 989,
}
_MOST_CARDS = 64
_MOST_MIB = 2**26
_COUNTED = re.compile(r"\s*(\d{1,3})\s*[x*]\s*(\S.*)", re.IGNORECASE)


class Card(NamedTuple):
    """One GPU, by its index on the host; what is not known is None."""

    number: int
    name: str
    memory_mib: int | None = None
    compute_cap: float | None = None
    uuid: str = ""


def f16_flops(name: str) -> int | None:
    """Return the FLOP/s that TGI assumes for a card of this name, or None."""
    tera = _TFLOPS.get(name.replace(" ", "-").lower())
    return None if tera is None else tera * 10**12


def known_cards() -> list[str]:
    """Return the names whose memory is known."""
    return list(_KNOWN)


def read_cards(gpus: Any) -> tuple[list[Card], list[str]]:
    """Return the cards, numbered, and a problem in one line for each entry that is not a GPU.

    An entry is a name ("NVIDIA L4", or "L4"), a number of them ("2x NVIDIA L4"), or a mapping
    with name, memory_mib, and if they matter index, uuid, compute_cap and count.
    """
    cards: list[Card] = []
    problems: list[str] = []
    for place, entry in enumerate(gpus if isinstance(gpus, list) else [gpus]):
        where = f"gpus[{place}]"
        asked = dict(entry) if isinstance(entry, Mapping) else _counted(str(entry))
        name = _full_name(str(asked.get("name") or ""))
        memory, capability = _KNOWN.get(name, (None, None))
        said = whole(asked.get("memory_mib"))
        memory = memory if said is None else said
        if not name or memory is None or not 0 < memory <= _MOST_MIB:
            remedy = f"write {{name: …, memory_mib: …}}, or one of {', '.join(_KNOWN)}"
            problems.append(f"{where} is {shown(entry)}, whose memory is unknown; {remedy}")
            continue
        count = whole(asked.get("count", 1)) or 0
        if not 1 <= count <= _MOST_CARDS:
            problems.append(f"{where} is {count} cards; write 1 to {_MOST_CARDS}")
            continue
        given = number(asked.get("compute_cap"))
        for _ in range(count):
            index = whole(asked.get("index"))
            cards.append(
                Card(
                    len(cards) if index is None or count > 1 else index,
                    name,
                    memory,
                    capability if given is None else given,
                    str(asked.get("uuid") or ""),
                )
            )
    return cards, problems


def _counted(text: str) -> dict[str, Any]:
    found = _COUNTED.fullmatch(text)
    return {"count": found.group(1), "name": found.group(2)} if found else {"name": text}


def _full_name(name: str) -> str:
    """Return the name as nvidia-smi has it; an unknown name stays as it is."""
    wanted = name.strip().lower()
    for known in _KNOWN:
        short = re.sub(r"^(NVIDIA GeForce|NVIDIA|Tesla) ", "", known)
        if wanted in (known.lower(), short.lower()):
            return known
    return name.strip()
