"""Read whom the firewall of a GPU host lets in and out, and whether it is in force."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from ...common.commands import Ask
from ...common.files import read
from ...host import firewall


def read_firewall(run: Ask, directory: Path) -> dict[str, Any] | None:
    """Return ``sources`` that it lets in, ``ports`` it closes, ``egress``, and is ``in_force``.

    ``in_force`` is None if unknown. Without ports it only keeps neighbours from the containers.
    ``egress`` is one of firewall.EGRESS.
    """
    texts = {name: read(directory / name) for name in firewall.TOOLS.values()}
    rules = "".join(texts.values())
    if not rules:
        return None
    ports = sorted({port for _, port in firewall.doors_of(rules)})
    return {
        "in_force": firewall.ask_in_force(texts, run),
        "ports": ports,
        "sources": firewall.sources_of(rules),
        "egress": firewall.egress_of(rules),
    }
