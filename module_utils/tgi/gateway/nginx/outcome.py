"""Say what came of putting a configuration in force."""

from __future__ import annotations

from dataclasses import dataclass, field


class ApplyError(Exception):
    """The configuration is not in force; the message says why, and what nginx serves instead."""


@dataclass
class ApplyResult:
    """The outcome: ``did`` in words, ``diff`` for Ansible; both are empty when nothing was done.

    ``warnings``: what nginx serves in spite of.
    """

    changed: bool = False
    warnings: list[str] = field(default_factory=list)
    did: list[str] = field(default_factory=list)
    diff: list[dict[str, str]] = field(default_factory=list)
