"""Check the version of the toolkit's packages, whether it is on offer, and their holds."""

from __future__ import annotations

import re
from collections.abc import Mapping

from ...common.commands import Ask
from ...packages.holds import Installed, locks, locks_text, matches, to_mark

#: Name of the block in dnf's versionlock file
OWNER = "nvidia_container_toolkit"
# The first with nvidia-cdi-refresh, which keeps the CDI specification up to date
_OLDEST = (1, 18)
# Containers can break out of those before it
_SAFE, _HOLES = (1, 17, 8), "CVE-2024-0132, CVE-2025-23359, CVE-2025-23266"
# Its refresh waits for multi-user.target, which waits for Docker
_LATE = (1, 19, 0)


def check_version(version: str) -> tuple[str, str] | None:
    """Return what is wrong with a version of the toolkit, and the remedy; None if it can serve."""
    parts = tuple(int(part) for part in re.findall(r"\d+", version))
    if parts < _OLDEST:
        holes = f", and containers can break out of it ({_HOLES})" if parts < _SAFE else ""
        what = f'is "{version}", which is not 1.18.0 or later and has no CDI refresh{holes}'
        return what, "write one such as 1.20.0-1"
    if parts[:3] == _LATE:
        what = f'is "{version}", whose CDI refresh comes after Docker at boot'
        return what, "write 1.19.1-1 or later, or 1.18.2-1"
    return None


def is_known(packages: Mapping[str, str], manager: str, ask: Ask) -> bool:
    """Check whether apt's lists have the first package's version; true with dnf."""
    if manager == "dnf":
        return True
    name, version = next(iter(packages.items()))
    rows = [line.split("|") for line in ask(["apt-cache", "madison", name]).text.splitlines()]
    return any(len(row) == 3 and matches(row[1].strip(), version) for row in rows)


def unheld(
    there: Installed, packages: Mapping[str, str], manager: str, hold: bool, locked: str
) -> list[str]:
    """Return packages whose hold is not as wanted; ``locked`` is dnf's versionlock file."""
    if manager == "apt":
        return to_mark(there, packages, hold)
    lines = locks(there.versions, packages, hold)
    return [] if locks_text(locked, OWNER, packages, lines) == locked else list(packages)
