"""Where a starting TGI server stands, read from its log, and how long each phase may take."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from ...common.log_lines import Line
from ...common.text import shorten

PHASES = ("start", "download", "load", "warmup", "serve")

DEADLINES: dict[str, float] = {
    "start": 60,
    "download": 3600,
    "load": 1200,
    "warmup": 900,
    "serve": 120,
}
"""Seconds that a phase may take, unless the caller says otherwise."""

LABELS = {
    "absent": "container missing",
    "start": "starting",
    "download": "downloading weights",
    "load": "loading shards",
    "warmup": "warming up",
    "serve": "serving",
    "ready": "ready",
    "silent": "loading (its log level hides the phases)",
}

SLOW = {
    "start": "look at the last lines below; a proxy or DNS that drops packets delays the fetch of "
    "config.json: see tgi_environment (HTTPS_PROXY, HF_ENDPOINT)",
    "download": "check the host's way to the Hub (proxy, DNS, bandwidth) and the free space of "
    "tgi_data_dir, then run again: finished files are kept; or raise tgi_phase_timeouts.download",
    "load": "TGI itself waits for ever here: a slow disk or network file system (copy the weights "
    "to a local disk), or shards that cannot reach each other (NCCL: /dev/shm, peer access); "
    "if the disk is just slow, raise tgi_phase_timeouts.load",
    "warmup": "lower max_batch_prefill_tokens, or set CUDA_GRAPHS to 0 in the model's environment "
    "to spare their capture; if it is just slow, raise tgi_phase_timeouts.warmup",
    "serve": "the log says that it serves: check that the model's port is the published one "
    "(docker port CONTAINER) and that nothing else answers there",
    "silent": "set LOG_LEVEL to info so that the phases can be told apart, and look at the host",
}
"""Remedy by phase, when its deadline has passed and the log names no cause."""

RESTART = "restart it (docker restart CONTAINER)"
BUSY = "send it less, or raise tgi_phase_timeouts.serve"

_MARKERS: tuple[tuple[str, re.Pattern[str]], ...] = (
    ("download", re.compile(r"Starting check and download process for ")),
    ("load", re.compile(r"Starting shard\b")),
    ("warmup", re.compile(r"Starting Webserver|Warming up model")),
    ("serve", re.compile(r"Connected")),
)
"""First words of the message that begins a phase. Several adapters download in turn before the
first shard starts, so only that shard ends the download."""

_RUN_BEGINS = re.compile(r"Args \{|error: ")
_SHARD_STARTS = re.compile(r"Starting shard(?: rank=(\d+)|\b)")
_SHARD_READY = re.compile(r"Shard ready in ")
_SHARDS = re.compile(r"Sharding model on (\d+) processes")


@dataclass(frozen=True)
class Progress:
    """What the log of one run says."""

    phase: str
    """One of PHASES."""
    began: float
    """When that phase began, seconds since 1970."""
    detail: str
    """The last thing logged, with the count of shards where there are several."""


def read_progress(lines: Sequence[Line], started: float) -> Progress:
    """Phase, its beginning and the last message of one run that started at `started`.

    Phases only go forward: a word of an earlier one that appears later changes nothing.
    """
    at, began, said = 0, started, ""
    ready, wanted, starting = 0, 0, 0
    for line in lines:
        for phase, pattern in _MARKERS:
            index = PHASES.index(phase)
            if index <= at or not pattern.match(line.message):
                continue
            if phase == "serve" and line.message != "Connected":
                continue
            at, began = index, line.at or began
        if line.level:
            said = line.message
        starting += bool(_SHARD_STARTS.match(line.message))
        ready += bool(_SHARD_READY.match(line.message))
        sharding = _SHARDS.match(line.message)
        wanted = int(sharding.group(1)) if sharding else wanted
    detail = shorten(said, 120)
    total = max(wanted, starting)
    if PHASES[at] == "load" and total > 1:
        detail += f" ({ready} of {total} ready)"
    return Progress(PHASES[at], began, detail)


def last_run(lines: Sequence[Line]) -> list[Line]:
    """The lines of the last run in a log that holds several (a container that restarts)."""
    for index in range(len(lines) - 1, -1, -1):
        if _RUN_BEGINS.match(lines[index].message):
            return list(lines[index:])
    return list(lines[-200:])


def deadline(phase: str, timeouts: Mapping[str, float]) -> float:
    """Seconds allowed for `phase`; "silent" (phases not visible) has the sum of all."""
    if phase == "silent":
        return sum(deadline(one, timeouts) for one in PHASES)
    return float(timeouts.get(phase, DEADLINES[phase]))
