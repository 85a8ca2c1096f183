"""Print and exit as TGI does when a phase fails: one entry for each start fault."""

from __future__ import annotations

from .logs import Log
from .rules import LauncherError

_HUB = "https://huggingface.co"


def _gated(model: str) -> str:
    return (
        "huggingface_hub.errors.GatedRepoError: 401 Client Error.\n\n"
        f"Cannot access gated repo for url {_HUB}/api/models/{model}.\n"
        f"Access to model {model} is restricted. You must have access to it and be"
        " authenticated to access it. Please log in."
    )


def _missing(model: str) -> str:
    return (
        "huggingface_hub.errors.RepositoryNotFoundError: 401 Client Error.\n\n"
        f"Repository Not Found for url: {_HUB}/api/models/{model}.\n"
        "Please make sure you specified the correct `repo_id` and `repo_type`."
    )


def _bad_path(model: str) -> str:
    return (
        "huggingface_hub.errors.HFValidationError: Repo id must be in the form 'repo_name' or"
        f" 'namespace/repo_name': '{model}'. Use `repo_type` argument if needed."
    )


def _disk_full(model: str) -> str:
    return f"OSError: [Errno 28] No space left on device: '/data/hub/models--{model}'"


def _offline(model: str) -> str:
    return (
        "huggingface_hub.errors.OfflineModeIsEnabled: Cannot reach "
        f"{_HUB}/api/models/{model}: offline mode is enabled."
        " To disable it, please unset the `HF_HUB_OFFLINE` environment variable."
    )


_DOWNLOADS = {
    "gated-model": _gated,
    "bad-model-id": _missing,
    "disk-full": _disk_full,
    "bad-path": _bad_path,
    "offline": _offline,
}
_SHARDS = {
    "oom-load": "torch.OutOfMemoryError: CUDA out of memory. Tried to allocate 224.00 MiB."
    " GPU 0 has a total capacity of 22.06 GiB of which 118.19 MiB is free.",
    "too-few-gpus": "AssertionError: Each process is one gpu",
    "signal-9": "",
    "signal-4": "",
}
DOWNLOAD_FAULTS = ("gated-model", "bad-model-id", "disk-full")
SHARD_FAULTS = tuple(_SHARDS)
WARMUP_FAULTS = ("oom-warmup", "kv-too-small")


def _traceback(last: str) -> str:
    frame = '  File "/usr/src/server/text_generation_server/cli.py", line 378'
    return f"Traceback (most recent call last):\n{frame}, in <module>\n{last}\n"


def fail_download(log: Log, kind: str, model: str, reason: str = "") -> LauncherError:
    """Print the chain for a failed download and return the error that ends the launcher."""
    text = _traceback(reason or _DOWNLOADS[kind](model))
    log.launcher("ERROR", f"Download encountered an error: \n{text}", span="download")
    return LauncherError("DownloadError")


def fail_shard(log: Log, kind: str, rank: int = 0) -> LauncherError:
    """A shard that ends before it was ready."""
    last = _SHARDS[kind]
    output = "\n" + (_traceback(last) if last else "")
    log.launcher("ERROR", f"Shard complete standard error output:\n{output}", "shard-manager", rank)
    if kind.startswith("signal-"):
        message = f"Shard process was signaled to shutdown with signal {kind.partition('-')[2]}"
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
        log.launcher("ERROR", "Method Warmup encountered an error.\n" + _traceback(
            f"RuntimeError: {said}"
        ))  # fmt: skip
        return fail_router(log, f'Backend(Warmup(Generation("{said}")))')
    return fail_router(log, f"Backend(NotEnoughMemory({total}))")


def fail_router(log: Log, debug: str) -> LauncherError:
    """The router exits: its own `Error:` line, then the launcher's."""
    log.plain(f"Error: {debug}")
    log.launcher("ERROR", "Webserver Crashed")
    log.launcher("INFO", "Shutting down shards")
    return LauncherError("WebserverFailed")
