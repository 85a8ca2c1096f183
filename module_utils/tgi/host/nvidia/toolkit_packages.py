"""What the package manager knows of the toolkit's packages, and what keeps them."""

from __future__ import annotations

from collections.abc import Mapping

from ...common.commands import Ask
from ...packages.holds import Installed, locks, locks_text, matches, to_mark

#: Names the block in dnf's versionlock file
OWNER = "nvidia_container_toolkit"


def is_known(packages: Mapping[str, str], manager: str, ask: Ask) -> bool:
    """Whether apt's lists have the version of the first package; dnf looks by itself."""
    if manager == "dnf":
        return True
    name, version = next(iter(packages.items()))
    rows = [line.split("|") for line in ask(["apt-cache", "madison", name]).text.splitlines()]
    return any(len(row) == 3 and matches(row[1].strip(), version) for row in rows)


def unheld(
    there: Installed, packages: Mapping[str, str], manager: str, hold: bool, locked: str
) -> list[str]:
    """Packages whose hold is not as wanted; ``locked`` is dnf's versionlock file."""
    if manager == "apt":
        return to_mark(there, packages, hold)
    lines = locks(there.versions, packages, hold)
    return [] if locks_text(locked, OWNER, packages, lines) == locked else list(packages)
