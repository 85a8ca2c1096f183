"""Print and exit as TGI does when a phase fails."""

from __future__ import annotations

import os
from dataclasses import replace
from string import Template

from .endings import Ending, Words, raised
from .logs import Log
from .rules import LauncherError
from .tracebacks import Raised, boxed, frames, logged, plain

_DETECTED = (
    "2025-12-18 17:02:11.204 | INFO     | text_generation_server.utils.import_utils:<module>:76 -"
    " Detected system cuda"
)
NO_DRIVER = (
    "Cannot determine GPU compute capability: RuntimeError: Found no NVIDIA driver on your system."
    " Please check that you have an NVIDIA GPU and installed a driver from"
    " http://www.nvidia.com/Download/index.aspx"
)


def fail_download(log: Log, ending: Ending, words: Words) -> LauncherError:
    """Print the chain for a failed download and return the error that ends the launcher."""
    _before(log, ending, words)
    text = _stderr(ending, raised(ending, words))
    log.launcher("ERROR", f"Download encountered an error: \n{text}", span="download")
    return LauncherError("DownloadError")


def fail_shard(log: Log, ending: Ending, words: Words, rank: int = 0) -> LauncherError:
    """A shard that ends before it was ready."""
    _before(log, ending, words)
    chain = raised(ending, words)
    if chain and ending.caught:
        text = logged(_seen_by_loguru(chain, words), "serve_inner")
        log.launcher("ERROR", f"Error when initializing model\n{text}")
    output = f"\n{_stderr(ending, chain)}" if chain else ""
    log.launcher("ERROR", f"Shard complete standard error output:\n{output}", "shard-manager", rank)
    if ending.signal:
        message = f"Shard process was signaled to shutdown with signal {ending.signal}"
        log.launcher("ERROR", message, "shard-manager", rank)
    log.launcher("ERROR", f"Shard {rank} failed to start")
    log.launcher("INFO", "Shutting down shards")
    return LauncherError("ShardCannotStart")


def fail_warmup(log: Log, kind: str, prefill: int, total: int) -> LauncherError:
    """The router ends during or right after the warm-up."""
    if kind == "oom-warmup":
        said = (
            f"Not enough memory to handle {prefill} prefill tokens. "
            "You need to decrease `--max-batch-prefill-tokens`"
        )
        fail_method(log, "Warmup", "warm-up", said)
        return fail_router(log, f'Backend(Warmup(Generation("{said}")))')
    return fail_router(log, f"Backend(NotEnoughMemory({total}))")


def fail_method(log: Log, method: str, group: str, said: str) -> None:
    """A call of the shard that raises RuntimeError: it logs that, and does not live on."""
    calls = frames(f"script typer serve loop intercept {group}", {})
    text = logged([Raised("builtins.RuntimeError", said, calls)], "intercept")
    log.launcher("ERROR", f"Method {method} encountered an error.\n{text}")


def fail_router(log: Log, debug: str) -> LauncherError:
    """The router exits: its own `Error:` line, then the launcher's."""
    log.plain(f"Error: {debug}")
    log.launcher("ERROR", "Webserver Crashed")
    log.launcher("INFO", "Shutting down shards")
    return LauncherError("WebserverFailed")


def _before(log: Log, ending: Ending, words: Words) -> None:
    for level, text in ending.before:
        log.launcher(level, Template(text).safe_substitute(words))


def _stderr(ending: Ending, chain: list[Raised]) -> str:
    """What the process leaves on stderr: in typer's boxes, or plainly if it is asked to."""
    if not ending.boxed:
        return plain(chain)
    if not os.environ.get("_TYPER_STANDARD_TRACEBACK"):
        return f"{_DETECTED}\n{boxed(chain)}"
    last = chain[-1]
    called = (*frames("script typer-raise typer", {}), *last.frames)
    return f"{_DETECTED}\n{plain([*chain[:-1], replace(last, frames=called)])}"


def _seen_by_loguru(chain: list[Raised], words: Words) -> list[Raised]:
    """loguru also shows who called the function that caught it: the command and the event loop."""
    last = chain[-1]
    inner = next(n for n, frame in enumerate(last.frames) if frame.name == "serve_inner")
    outer = last.frames[: inner - 1]
    calls = (*frames("script typer", words), *outer, *frames("loop", words), *last.frames[inner:])
    return [*chain[:-1], replace(last, frames=calls)]
