"""Read whom the firewall of a GPU host lets in, and whether it is in force."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from ...common.commands import Ask
from ...common.files import read
from ...host import firewall


def read_firewall(run: Ask, path: Path) -> dict[str, Any] | None:
    """Return the firewall's ``sources``, whether it closes ``ports``, and is ``in_force``.

    ``in_force`` is None if unknown. Without ports it only keeps neighbours from the containers.
    """
    rules = read(path)
    if not rules:
        return None
    ports = sorted({port for _, port in firewall.doors_of(rules)})
    in_force, sources = firewall.ask_in_force(rules, run), firewall.sources_of(rules)
    return {"in_force": in_force, "ports": ports, "sources": sources}
