"""A pattern of what TGI logs when it ends, and what it means."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Rule:
    """A pattern of a message and what it means.

    In ``text`` and ``remedy``, {0} is the first group of the pattern that matched. {folder} is the
    folder of the model on the host, and {files} where its files lie in it.
    """

    id: str
    pattern: str
    text: str
    remedy: str
    phases: tuple[str, ...] = ()
    """The phases it applies to; empty: all."""
    where: str = ""
    """A pattern that one frame of the traceback must match as well."""


@dataclass(frozen=True)
class Cause:
    """A recognised reason and what to do about it."""

    id: str
    text: str
    remedy: str
    line: str = ""
    """The log line that named it, rejoined; empty when only the exit code did."""


REPORT = "read the lines below; the whole log: docker logs CONTAINER"
