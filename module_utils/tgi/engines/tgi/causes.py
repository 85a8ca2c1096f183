"""Name why a TGI container died, and the remedy: from its log, exit code and Docker's error."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace

from ...common.log_lines import Line
from ...common.text import shorten
from .causes_files import ADAPTER_RULES, FILE_RULES
from .causes_gpu import CONSEQUENCE_RULES, GPU_RULES, GPU_UNSEEN, NO_GPU_REMEDY
from .causes_hub import HUB_RULES
from .causes_machine import MACHINE_RULES
from .causes_options import CRASH_RULES, OPTION_RULES
from .causes_places import PLACE_RULES
from .causes_rule import REPORT, Cause
from .causes_search import Search
from .phases import PHASES

__all__ = ["Cause", "explain_death", "recognise"]

#: While TGI serves it asks the Hub for nothing
_HUB = tuple(replace(one, phases=one.phases or PHASES[:-1]) for one in HUB_RULES)
_RULES = OPTION_RULES + MACHINE_RULES + ADAPTER_RULES + _HUB + FILE_RULES + GPU_RULES
_UNSEEN = re.compile(GPU_UNSEEN)
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


def recognise(lines: Sequence[Line], phase: str, offline: bool | None = None) -> Cause | None:
    """Return what ended the run whose log this is, or None. The first that is known wins:

    1. the last line of the first traceback, with the exceptions it was raised from; then those of
       the next ones. While serving it is the last traceback first: older ones failed one request.
    2. the other lines, the most specific rule first, and for each rule the last line first.
    3. the place where a traceback's exception was raised, where the words are unknown.
    4. the same two again for what is only a consequence: a signal, a peer that went away.
    5. the first traceback in its own words, or a process's last words.
    6. which part ended, or the log's last line.

    A warning ends nothing. That the container sees no GPU is put beside the cause; it is the cause
    only if the log names no other. ``offline`` says whether HF_HUB_OFFLINE is set, None: unknown.
    """
    return _beside_gpu(_ending(lines, phase, offline), lines)


def _ending(lines: Sequence[Line], phase: str, offline: bool | None) -> Cause | None:
    search = Search(lines, phase, offline)
    return (
        search.known(_RULES)
        or search.known(PLACE_RULES)
        or search.with_last_words(search.known(CONSEQUENCE_RULES))
        or search.in_own_words()
        or search.in_lines(CRASH_RULES)
    )


def _beside_gpu(found: Cause | None, lines: Sequence[Line]) -> Cause | None:
    """Put the warning of a missing GPU beside the cause; without a cause, return the warning."""
    warned = [line for line in lines if line.level == "WARN" and _UNSEEN.search(line.message)]
    seen = _UNSEEN.search(warned[0].message) if warned else None
    if seen is None or (found and found.id == "no_gpu"):
        return found
    unseen = f"sees no GPU: {seen.group(1)}"
    if found is None:
        return Cause("no_gpu", f"the container {unseen}", NO_GPU_REMEDY, warned[0].text)
    remedy = found.remedy
    if NO_GPU_REMEDY not in remedy:
        remedy += f"; for the GPU: {NO_GPU_REMEDY}"
    return replace(found, text=f"{found.text}; the container also {unseen}", remedy=remedy)


def explain_death(
    lines: Sequence[Line],
    phase: str,
    exit_code: int | None,
    out_of_memory: bool,
    error: str,
    offline: bool | None = None,
    memory: int = 0,
) -> Cause:
    """Return why a container does not run, if need be from the exit code alone.

    ``error`` is Docker's own reason (State.Error) for a container that cannot start, ``memory`` the
    container's limit in bytes, 0 for none.
    """
    if out_of_memory and memory:
        return Cause(
            "container_memory",
            f"killed: it needed more than its memory limit, {memory / 2**30:.1f} GiB",
            "raise tgi_memory_limit, or delete it: weights pass through this memory, and what is "
            "in /tmp and /dev/shm counts",
        )
    if out_of_memory:
        return Cause(
            "host_memory",
            "killed: the host ran out of memory",
            "add RAM, or start fewer models at once: weights pass through host memory",
        )
    if error:
        line = Line(0.0, error, error)
        return recognise([line], phase) or Cause(
            "docker", f"Docker could not start it: {shorten(error)}", "see docker inspect CONTAINER"
        )
    if exit_code == 0:
        return Cause(*_BY_EXIT[0])
    found = _ending(lines, phase, offline)
    if found is None and exit_code in _BY_EXIT:
        found = Cause(*_BY_EXIT[exit_code])
    return (
        _beside_gpu(found, lines)
        or Search(lines, phase, offline).last_line()
        or Cause("unknown", "the container ended, and its log names no cause", REPORT)
    )
