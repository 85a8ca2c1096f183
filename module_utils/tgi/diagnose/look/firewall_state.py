"""Read whom the firewall of a GPU host lets in, and whether it is in force."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from ...common.commands import Ask
from ...common.files import read
from ...host import firewall


def read_firewall(run: Ask, path: Path) -> dict[str, Any] | None:
    """Return the firewall's ``sources`` and whether it is ``in_force`` (None: unknown)."""
    rules = read(path)
    if not rules:
        return None
    doors = firewall.doors_of(rules)
    tool = firewall.tool_of(doors[0][0]) if doors else "iptables"
    said = [run([tool, "-w", "-S", chain]) for chain in (firewall.CHAIN, *firewall.ENTRIES)]
    stands = None
    if all(code is not None for code, _ in said):
        texts = [text if code == 0 else "" for code, text in said]
        stands = firewall.in_force(rules, texts[0], texts[1:])
    sources = [
        line.split()[3]
        for line in rules.splitlines()
        if line.startswith(f"-A {firewall.CHAIN} -s ")
    ]
    return {"in_force": stands, "sources": sources}
