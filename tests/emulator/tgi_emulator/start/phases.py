"""TGI's way from arguments to a model in memory, with its log lines.

Nothing listens during all of this. Each function raises LauncherError where TGI would end.
"""

from __future__ import annotations

import os
import re
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from string import Template

from ..faults.faults import Faults
from ..source.text import TextSource
from . import failures, hub_cache
from .args import Args
from .endings import CONVERTING, ENDINGS, NO_FLASH, PICKLE, Ending, Words, failed, find_words
from .limits import Limits, find_limits
from .logs import Log
from .rules import simulated_gpus

_WARM_UP_FAULTS = ("oom-warmup", "kv-too-small")
_SECONDS = {
    "download": 0.2, "load": 0.3, "warmup": 0.2, "listen": 0.0, "stop": 1.5, "collector": 30.0,
}  # fmt: skip
"""`stop`: until the shards are gone; `collector`: the same, if none takes their spans."""
_REAL = "download=6,load=15,warmup=8,listen=3"
"""As measured on two cores with a small model."""


def phase_seconds(text: str) -> dict[str, float]:
    """TGI_EMULATOR_PHASE_SECONDS ("load=3,warmup=1", "real") over the defaults.

    Raises ValueError for a phase that does not exist.
    """
    seconds = dict(_SECONDS)
    for part in filter(None, text.replace("real", _REAL).split(",")):
        name, _, value = part.strip().partition("=")
        if name not in seconds:
            raise ValueError(f"unknown phase '{name}'; known: {', '.join(seconds)}")
        seconds[name] = float(value)
    return seconds


@dataclass
class Start:
    """The arguments, settings and faults that every phase needs."""

    args: Args
    log: Log
    faults: Faults
    seconds: dict[str, float]
    pace: float = 0.0
    """Seconds between two tokens."""
    children: list[tuple[str, str, int | None]] = field(default_factory=list)
    """Processes that the launcher has started: name, span and rank in its log."""

    @property
    def model(self) -> str:
        return self.args.text("model_id") or ""

    def ending(self, phase: str) -> Ending | None:
        """The fault that ends this phase, if one is set."""
        active = self.faults.active()
        return next(
            (one for name, one in ENDINGS.items() if one.phase == phase and name in active), None
        )


def begin(start: Start) -> None:
    """What the launcher says of GPU and attention before it looks at its arguments."""
    if start.faults.get("no-driver") is not None:
        start.log.launcher("WARN", failures.NO_DRIVER)
    start.log.launcher("INFO", "Using attention flashinfer - Prefix caching true")


def stopped(start: Start) -> None:
    """SIGTERM before it serves: none of its processes has much to end."""
    for name, span, rank in start.children:
        if rank == 0:
            start.log.launcher("INFO", "Shutting down shards")
        for said in (
            f"Terminating {name}", f"Waiting for {name} to gracefully shutdown",
            f"{name} terminated",
        ):  # fmt: skip
            start.log.launcher("INFO", said, span, rank)


def download(start: Start) -> None:
    """Weights: a marker in the Hub cache, or a local directory; then the adapters."""
    start.children = [("download", "download", None)]
    _fetch(start, start.model, "download")
    for adapter in filter(None, (start.args.text("lora_adapters") or "").split(",")):
        if "=" not in adapter:
            _fetch(start, adapter.strip().partition("@")[0], "adapter")
    if start.faults.get("bad-adapter") is not None:
        _fetch(start, "/data/adapters/none", "adapter")


def _fetch(start: Start, model: str, phase: str) -> None:
    args, log = start.args, start.log
    log.launcher("INFO", f"Starting check and download process for {model}", "download")
    time.sleep(start.faults.seconds("slow-download"))
    words = find_words(args, os.environ, model)
    local = Path(model).is_dir()
    path = hub_cache.snapshot(args, os.environ, model)
    pickles = hub_cache.pickles(path)
    cached = hub_cache.is_cached(path) or bool(pickles)
    ending = start.ending(phase)
    if not (ending or local) and not re.fullmatch(r"[\w.-]+(/[\w.-]+)?", model):
        ending = ENDINGS["bad-path"]
    if not (ending or local or cached) and os.environ.get("HF_HUB_OFFLINE") == "1":
        ending = ENDINGS["not-cached"]
    if not (ending or local or cached):
        log.launcher("INFO", "Download file: model.safetensors")
        time.sleep(start.seconds["download"])
        try:
            hub_cache.store(args, os.environ, model)
        except OSError as error:
            ending = failed(error)
    if ending:
        raise failures.fail_download(log, ending, words)
    if pickles:
        _convert(start, words, pickles)
    elif local or cached:
        log.launcher("INFO", "Files are already present on the host. Skipping download.")
    else:
        log.launcher("INFO", f"Downloaded {path / 'model.safetensors'} in 0:00:01.")
        log.launcher("INFO", "Download: [1/1] -- ETA: 0")
    log.launcher("INFO", f"Successfully downloaded weights for {model}", "download")


def _convert(start: Start, words: Words, pickles: list[Path]) -> None:
    """Beside the pickles, so in a folder that it must be able to write to."""
    log = start.log
    if not start.args.on("trust_remote_code"):
        log.launcher("WARN", PICKLE)
    log.launcher("WARN", Template(CONVERTING).substitute(words))
    for number, path in enumerate(pickles, 1):
        try:
            hub_cache.convert(path)
        except OSError as error:
            raise failures.fail_download(log, failed(error), words) from None
        log.launcher("INFO", f"Convert: [{number}/{len(pickles)}] -- Took: 0:00:00.100000")


def load(start: Start, num_shard: int, load_text: Callable[[], None]) -> None:
    """The shards; `load_text` brings the text source up and counts into the phase's time."""
    log = start.log
    began = time.monotonic()
    start.children = [("shard", "shard-manager", rank) for rank in range(num_shard)]
    for name, span, index in start.children:
        log.launcher("INFO", f"Starting {name}", span, index)
    if start.faults.get("no-driver") is not None:
        log.launcher("WARN", NO_FLASH)
    ending = start.ending("load")
    if num_shard > 1 and num_shard > simulated_gpus(os.environ):
        ending = ending or ENDINGS["too-few-gpus"]
    if not ending:
        load_text()
    spent = time.monotonic() - began
    left = start.seconds["load"] - spent + start.faults.seconds("slow-load")
    while left > 10:
        time.sleep(10)
        left -= 10
        log.launcher("INFO", "Waiting for shard to be ready...", "shard-manager", 0)
    time.sleep(max(0.0, left))
    if ending:
        raise failures.fail_shard(log, ending, find_words(start.args, os.environ, start.model))
    prefix = start.args.text("shard_uds_path")
    for rank in range(num_shard):
        log.launcher("INFO", f"Server started at unix://{prefix}-{rank}")
        took = time.monotonic() - began
        log.launcher("INFO", f"Shard ready in {took:.9f}s", "shard-manager", rank)


def warm_up(start: Start, source: TextSource) -> Limits:
    """Router start and warm-up; returns the limits it serves with."""
    args, log = start.args, start.log
    start.children.insert(0, ("webserver", "", None))
    log.launcher("INFO", "Starting Webserver")
    limits = find_limits(args, source.max_context)
    log.router("INFO", "Warming up model", "backends/v3/src/lib.rs", 125)
    while limits.max_input == 0:
        time.sleep(1)  # TGI makes prompts of no tokens until they fill its budget
    time.sleep(start.seconds["warmup"] + start.faults.seconds("slow-warmup"))
    fault = next((one for one in _WARM_UP_FAULTS if start.faults.get(one) is not None), "")
    if fault:
        raise failures.fail_warmup(log, fault, limits.batch_prefill, limits.max_total)
    log.launcher("INFO", f"KV-cache blocks: {limits.batch_total}, size: 1")
    graphs = args.values["cuda_graphs"]
    sizes = [1, 2, 4, 8, 16, 32] if graphs is None else graphs
    if sizes not in ([0], []):
        log.launcher("INFO", f"Cuda Graphs are enabled for sizes {sizes}")
    if limits.problem:
        raise failures.fail_router(log, limits.problem)
    if args.number("max_batch_total_tokens") is not None:
        log.router(
            "WARN", "`--max-batch-total-tokens` is deprecated for Flash Attention models.",
            "backends/v3/src/lib.rs", 90,
        )  # fmt: skip
    _announce(args, log, limits)
    return limits


def _announce(args: Args, log: Log, limits: Limits) -> None:
    total = limits.batch_total
    log.router("INFO", f"Setting max batch total tokens to {total}", "backends/v3/src/lib.rs", 137)
    log.router(
        "WARN", "Model supports prefill chunking. `waiting_served_ratio` and `max_waiting_tokens`"
        " will be ignored.", "backends/v3/src/backend.rs", 39,
    )  # fmt: skip
    log.router("INFO", "Using backend V3", "backends/v3/src/lib.rs", 166)
    source = "backends/v3/src/main.rs"
    if args.number("max_input_tokens") is None and args.number("max_input_length") is None:
        log.router("INFO", f"Maximum input tokens defaulted to {limits.max_input}", source, 164)
    if args.number("max_total_tokens") is None:
        log.router("INFO", f"Maximum total tokens defaulted to {limits.max_total}", source, 170)
