"""GPUs as nvidia-smi lists them."""

from __future__ import annotations

A = "GPU-9434a402-0d94-4ef8-93d0-0528ee662e9c"
B = "GPU-51a10000-0000-4000-8000-000000000001"


def card(name: str, memory: str, capability: str, driver: str = "580.95.05", place: int = 0) -> str:
    return f"{place}, {[A, B][place]}, {name}, {memory}, {driver}, {capability}\n"


CARDS = {
    "A100 40": card("NVIDIA A100-SXM4-40GB", "40960", "8.0"),
    "A100 80": card("NVIDIA A100 80GB PCIe", "81920", "8.0"),
    "H100": card("NVIDIA H100 80GB HBM3", "81559", "9.0"),
    "L4": card("NVIDIA L4", "23034", "8.9"),
    "T4": card("Tesla T4", "15360", "7.5"),
    "RTX 4090": card("NVIDIA GeForce RTX 4090", "24564", "8.9"),
    "oldest driver": card("NVIDIA L4", "23034", "8.9", "525.60.13"),
    "Debian 12": card("NVIDIA L4", "23034", "8.9", "535.261.03"),
    "no memory told": card("NVIDIA L4", "[N/A]", "[N/A]"),
}
TWO = card("NVIDIA L4", "23034", "8.9") + card("NVIDIA L4", "23034", "8.9", place=1)
