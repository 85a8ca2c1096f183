"""Name why a TGI container died, and the remedy: from its log, exit code and Docker's error."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from ...common.log_lines import Line
from ...common.text import mask, shorten
from .causes_gpu import GPU_RULES
from .causes_hub import HUB_RULES, LAST_RULES, REPORT


@dataclass(frozen=True)
class Cause:
    """A recognised reason and what to do about it."""

    id: str
    text: str
    remedy: str
    line: str = ""
    """The log line that named it; empty when only the exit code did."""


_COMPILED = tuple((rule, re.compile(rule.pattern)) for rule in HUB_RULES + GPU_RULES + LAST_RULES)

_BY_EXIT = {
    0: ("stopped", "the container was stopped", "start it again: docker start CONTAINER"),
    2: ("usage", "the launcher refused its options", "correct the model's options in tgi_models"),
    101: ("panic", "TGI panicked", REPORT),
    126: ("image_broken", "the entry point cannot be run", "check tgi_image and its platform"),
    127: ("image_broken", "the entry point does not exist", "check tgi_image"),
    137: (
        "killed",
        "the container was killed",
        "see dmesg for the OOM killer; otherwise it was stopped by hand: docker start CONTAINER",
    ),
    143: ("stopped", "the container was stopped", "start it again: docker start CONTAINER"),
}


def recognise(lines: Sequence[Line], phase: str) -> Cause | None:
    """Return the most specific cause that the log of one run names, or None."""
    for rule, pattern in _COMPILED:
        if rule.phases and phase not in rule.phases:
            continue
        for line in reversed(lines):
            found = pattern.search(line.message)
            if found:
                groups = [shorten(group, 300) for group in found.groups() if group] or [""]
                text, remedy = (part.format(*groups) for part in (rule.text, rule.remedy))
                return Cause(rule.id, mask(text), remedy, line.text)
    return None


def explain_death(
    lines: Sequence[Line], phase: str, exit_code: int | None, out_of_memory: bool, error: str
) -> Cause:
    """Return why a container does not run, if need be from the exit code alone.

    ``error`` is Docker's own reason (State.Error) for a container that cannot start.
    """
    if out_of_memory:
        return Cause(
            "host_memory",
            "killed: out of memory (the container's limit or the host's)",
            "raise the container's memory limit or add RAM; weights pass through host memory",
        )
    if error:
        line = Line(0.0, error, error)
        return recognise([line], phase) or Cause(
            "docker", f"Docker could not start it: {shorten(error)}", "see docker inspect CONTAINER"
        )
    known = recognise(lines, phase) if exit_code != 0 else None
    if known:
        return known
    if exit_code in _BY_EXIT:
        return Cause(*_BY_EXIT[exit_code])
    return Cause("unknown", "the container ended, and its log names no known cause", REPORT)
