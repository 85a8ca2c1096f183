"""Read the phase of a starting TGI server from its log, and say how long each may take."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from ...common.log_lines import Line
from ...common.text import shorten
from .tracebacks import begins_entry

PHASES = ("start", "download", "load", "warmup", "serve")

DEADLINES: dict[str, float] = {
    "start": 60,
    "download": 3600,
    "load": 1200,
    "warmup": 900,
    "serve": 120,
}
"""Default seconds that a phase may take."""

LABELS = {
    "absent": "container missing",
    "start": "starting",
    "download": "downloading weights",
    "load": "loading shards",
    "warmup": "warming up",
    "listen": "opening its port",
    "serve": "serving",
    "steady": "after it was ready",
    "ready": "ready",
    "silent": "loading (its log level hides the phases)",
}

SLOW = {
    "start": "see the last lines below; if a proxy or DNS delays the fetch of config.json, set "
    "HTTPS_PROXY or HF_ENDPOINT in tgi_environment",
    "download": "check the host's way to the Hub (proxy, DNS, bandwidth) and free space in "
    "tgi_data_dir, then run again: finished files are kept; or raise tgi_phase_timeouts.download",
    "load": "copy the weights to a local disk if theirs is slow, or raise "
    "tgi_phase_timeouts.load; if the shards cannot reach each other (NCCL), check tgi_shm_size "
    "and peer access",
    "warmup": "lower max_batch_prefill_tokens, or set CUDA_GRAPHS to 0 in the model's "
    "environment, or raise tgi_phase_timeouts.warmup",
    "serve": "check that Docker publishes the model's port (docker port CONTAINER) and that "
    "nothing else answers there",
    "listen": "check that Docker publishes the model's port (docker port CONTAINER) and that "
    "nothing else answers there",
    "silent": "set LOG_LEVEL to info so that the log shows the phases, and check the host",
}
"""Remedies for a phase whose deadline has passed and whose log names no cause."""

RESTART = "restart it (docker restart CONTAINER)"
BUSY = "send fewer requests, or raise tgi_phase_timeouts.serve"

_MARKERS: tuple[tuple[str, re.Pattern[str]], ...] = (
    ("download", re.compile(r"Starting (?:check and )?download process\b")),
    ("load", re.compile(r"Starting shard\b")),
    ("warmup", re.compile(r"Starting Webserver|Warming up model")),
    ("serve", re.compile(r"Connected")),
)
"""First words of the message that begins a phase. Adapters download one after the other, so only
the first shard ends the download."""

_NOT_BOUND = re.compile(r"Failed to bind to (?!address unix)")
_RUN_BEGINS = re.compile(
    r"Args \{|error: (?:unexpected|invalid value|a value is|unrecognized|unknown|the argument"
    r"|the following|equal sign)"
)
_SHARD_STARTS = re.compile(r"Starting shard(?: rank=(\d+)|\b)")
_SHARD_READY = re.compile(r"Shard ready in ")
_SHARDS = re.compile(r"Sharding model on (\d+) processes")


@dataclass(frozen=True)
class Progress:
    """Progress of one run, read from its log."""

    phase: str
    """One of PHASES, or "listen": TGI logs Connected before it opens its port."""
    began: float
    """When that phase began, seconds since 1970."""
    detail: str
    """The last message, with the count of shards if there are several."""


def read_progress(lines: Sequence[Line], started: float) -> Progress:
    """Return phase, its beginning and the last message of a run that began at ``started``.

    Phases only go forward: a later message of an earlier phase changes nothing.
    """
    at, began, said = 0, started, ""
    ready, wanted, starting, bound = 0, 0, 0, True
    for line in lines:
        for phase, pattern in _MARKERS:
            index = PHASES.index(phase)
            if index <= at or not pattern.match(line.message):
                continue
            if phase == "serve" and line.message != "Connected":
                continue
            at, began = index, line.at or began
        bound = bound and not _NOT_BOUND.match(line.message)
        if begins_entry(line):
            said = line.message
        starting += bool(_SHARD_STARTS.match(line.message))
        ready += bool(_SHARD_READY.match(line.message))
        sharding = _SHARDS.match(line.message)
        wanted = int(sharding.group(1)) if sharding else wanted
    detail = shorten(said, 120)
    total = max(wanted, starting)
    if PHASES[at] == "load" and total > 1:
        detail += f" ({ready} of {total} ready)"
    phase = PHASES[at] if bound or PHASES[at] != "serve" else "listen"
    return Progress(phase, began, detail)


def last_run(lines: Sequence[Line]) -> list[Line]:
    """Return the lines of the last run in the log of a container that restarts."""
    for index in range(len(lines) - 1, -1, -1):
        if _RUN_BEGINS.match(lines[index].message):
            return list(lines[index:])
    return list(lines[-200:])


def deadline(phase: str, timeouts: Mapping[str, float]) -> float:
    """Return the seconds allowed for ``phase``.

    "silent" (phases not visible) has the sum, and "listen" shares those of "serve".
    """
    if phase == "silent":
        return sum(deadline(one, timeouts) for one in PHASES)
    if phase == "listen":
        phase = "serve"
    return float(timeouts.get(phase, DEADLINES[phase]))
