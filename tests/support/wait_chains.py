"""The last log lines of TGI, by failure; written by us in TGI's format."""

from __future__ import annotations

from dataclasses import dataclass

from tests.support.wait_fakes import (
    ARGS,
    CONNECTED,
    DOWNLOAD,
    DOWNLOADED,
    READY,
    SHARD,
    WARMING,
    WEBSERVER,
    launcher,
    router,
)

LOADING = (ARGS, DOWNLOAD, DOWNLOADED, SHARD)
WARMUP = (*LOADING, READY, WEBSERVER, WARMING)
SERVING = (*WARMUP, CONNECTED)
HUB = "https://huggingface.co/api/models/acme/m"


@dataclass(frozen=True)
class Chain:
    id: str
    lines: tuple[str, ...]
    exit_code: int
    phase: str
    cause: str
    says: str
    remedy: str


def _download(name: str, error: str, cause: str, says: str, remedy: str) -> Chain:
    trace = f"Download encountered an error: \nTraceback (most recent call last):\n{error}\n"
    lines = (ARGS, DOWNLOAD, launcher(trace, "ERROR", "download"), "Error: DownloadError")
    return Chain(name, lines, 1, "download", cause, says, remedy)


def _shard(name: str, lines: tuple[str, ...], cause: str, says: str, remedy: str) -> Chain:
    chain = (*LOADING, *lines, launcher("Shard 0 failed to start", "ERROR"))
    end = (launcher("Shutting down shards"), "Error: ShardCannotStart")
    return Chain(name, (*chain, *end), 1, "load", cause, says, remedy)


def _trace(error: str) -> str:
    start = "Shard complete standard error output:\n\nTraceback (most recent call last):\n"
    return launcher(f"{start}{error}", "ERROR", "shard-manager")


def _signal(number: int) -> tuple[str, ...]:
    said = f"Shard process was signaled to shutdown with signal {number} rank=0"
    return (_trace(""), launcher(said, "ERROR", "shard-manager"))


def _router(
    name: str, start: tuple[str, ...], error: str, cause: str, says: str, remedy: str
) -> Chain:
    end = (launcher("Webserver Crashed", "ERROR"), error, "Error: WebserverFailed")
    phase = "listen" if CONNECTED in start else "warmup"
    return Chain(name, (*start, *end), 1, phase, cause, says, remedy)


OOM = "torch.OutOfMemoryError: CUDA out of memory. Tried to allocate 224.00 MiB. GPU 0 has 22 GiB"
PREFILL = (
    "Not enough memory to handle 4096 prefill tokens. "
    "You need to decrease `--max-batch-prefill-tokens`"
)

CHAINS: tuple[Chain, ...] = (
    Chain(
        "unknown flag",
        ("error: unexpected argument '--flash-attention' found", "Usage: text-generation-launcher"),
        2, "start", "unknown_flag", "--flash-attention", "tgi_models",
    ),
    Chain(
        "bad value",
        ("error: invalid value 'x' for '--num-shard <NUM_SHARD>': invalid digit",),
        2, "start", "unknown_flag", "--num-shard", "tgi_models",
    ),
    Chain(
        "argument validation",
        (ARGS, 'Error: ArgumentValidation("`max_input_tokens`(9) must be < `max_total_tokens`")'),
        1, "start", "argument_validation", "must be <", "correct these values",
    ),
    Chain(
        "sharded without GPUs",
        (ARGS, 'Error: NotEnoughCUDADevices("`sharded` is true but only found 1 CUDA devices")'),
        1, "start", "not_enough_gpus", "only found 1", "num_shard",
    ),
    _download(
        "gated",
        f"huggingface_hub.errors.GatedRepoError: 403\nCannot access gated repo for url {HUB}",
        "gated", "gated repository", "tgi_hf_token",
    ),
    _download(
        "bad id", "huggingface_hub.errors.RepositoryNotFoundError: 401 Client Error.\n"
        f"Repository Not Found for url: {HUB}.", "repo_missing", "no such repository", "model_id",
    ),
    _download(
        "bad path", "huggingface_hub.errors.HFValidationError: Repo id must be in the form "
        "'repo_name' or 'namespace/repo_name': '/data/x'.",
        "bad_model_id", "neither", "/data",
    ),
    _download(
        "bad revision", "huggingface_hub.errors.RevisionNotFoundError: 404 Client Error.\n"
        f"Revision Not Found for url: {HUB}/revision/x.", "revision_missing", "revision", "commit",
    ),
    _download(
        "offline", "huggingface_hub.errors.OfflineModeIsEnabled: Cannot reach it: offline mode is "
        "enabled.", "offline", "not in the cache", "HF_HUB_OFFLINE",
    ),
    _download(
        "no weights", "FileNotFoundError: No .bin weights found for model acme/m and revision None",
        "no_weights", "no weights", "safetensors",
    ),
    _download(
        "disk full", "OSError: [Errno 28] No space left on device: '/data/hub/x'",
        "disk_full", "no space left on device", "tgi_data_dir",
    ),
    _download(
        "read-only cache", "PermissionError: [Errno 13] Permission denied: '/data/hub'",
        "data_not_writable", "/data/hub cannot be written", "tgi_data_dir",
    ),
    _download(
        "no network", "requests.exceptions.ConnectionError: Max retries exceeded with url: /api "
        "(Temporary failure in name resolution)", "hub_unreachable", "cannot be reached", "proxy",
    ),
    _download("unheard of", "KeyError: 'x'", "download_failed", "download failed", "docker logs"),
    Chain(
        "no server in the image",
        (ARGS, DOWNLOAD, launcher("text-generation-server not found in PATH", "ERROR", "download"),
         "Error: DownloadError"),
        1, "download", "image_broken", "cannot run its server", "root",
    ),
    _shard("weights do not fit", (_trace(OOM),), "oom_load", "weights do not fit", "quantize"),
    _shard("host memory", _signal(9), "host_memory", "signal 9", "RAM"),
    _shard("old CPU", _signal(4), "old_cpu", "signal 4", "AVX2"),
    _shard("shared memory", _signal(7), "shared_memory", "signal 7", "tgi_shm_size"),
    _shard("abort", _signal(6), "shard_signal", "signal 6", "NCCL_DEBUG"),
    _shard("segfault", _signal(11), "shard_signal", "signal 11", "dmesg"),
    _shard(
        "too few GPUs", (_trace("AssertionError: Each process is one gpu"),),
        "too_few_gpus", "fewer GPUs than shards", "num_shard",
    ),
    _shard(
        "heads", (_trace("ValueError: `num_heads` must be divisible by `num_shards` (got 3)"),),
        "heads_divisible", "num_heads", "num_shard",
    ),
    _shard(
        "old driver", (_trace("RuntimeError: The NVIDIA driver on your system is too old"),),
        "old_driver", "too old", "update",
    ),
    _shard(
        "unsupported", (_trace("ValueError: Unsupported model type mamba3"),),
        "unsupported_model", "mamba3", "newer image",
    ),
    _shard(
        "remote code", (_trace("ValueError: Loading acme/m requires you to execute the "
                               "configuration file in that repo: set trust_remote_code=True"),),
        "remote_code", "needs code", "trust_remote_code",
    ),
    _shard("unheard of shard", (_trace("KeyError: 'x'"),), "shard_failed", "shard", "docker logs"),
    _router(
        "out of memory at warm-up",
        (*WARMUP, launcher(f"Method Warmup encountered an error.\n{OOM}\nRuntimeError: {PREFILL}",
                           "ERROR")),
        f'Error: Backend(Warmup(Generation("{PREFILL}")))',
        "warmup_oom", "4096 prefill tokens", "set max_batch_prefill_tokens below 4096",
    ),
    _router(
        "out of memory capturing graphs",
        (*WARMUP, launcher(f"Method Warmup encountered an error.\n{OOM}", "ERROR")),
        "Error: Backend(Warmup)", "oom_warmup", "at warm-up", "CUDA_GRAPHS",
    ),
    _router(
        "KV too small", WARMUP, "Error: Backend(NotEnoughMemory(8192))",
        "kv_too_small", "8192 total tokens", "max_total_tokens",
    ),
    _router(
        "router's validation", WARMUP,
        'Error: ArgumentValidation("`max_batch_prefill_tokens` must be >= `max_input_tokens`")',
        "argument_validation", "must be >=", "correct these values",
    ),
    _router(
        "tokenizer", WARMUP, 'Error: Tokenizer("Unable to load tokenizer.")',
        "tokenizer", "tokenizer", "/usr/src/out",
    ),
    _router(
        "metrics port", WARMUP,
        'Error: Internal("failed to build prometheus recorder: Address in use")',
        "metrics_port", "metrics port", "prometheus_port",
    ),
    _router(
        "port taken",
        (*SERVING, router("Failed to bind to 0.0.0.0:80: Address already in use", "ERROR")),
        "Error: WebServer(Os)", "port_taken", "taken", "another port",
    ),
    Chain(
        "panic",
        (ARGS, "thread 'main' panicked at launcher/src/main.rs:1384:18:\nno entry found"),
        101, "start", "panic", "launcher/src/main.rs:1384", "docker logs",
    ),
    Chain(
        "CUDA error while serving",
        (*SERVING, launcher("Method Prefill encountered an error.\nRuntimeError: CUDA error: an "
                            "illegal memory access was encountered", "ERROR"),
         launcher("Shard 0 crashed", "ERROR"), "Error: ShardFailed"),
        1, "serve", "cuda_serving", "CUDA error while serving", "dmesg",
    ),
    Chain(
        "shard crashed while serving",
        (*SERVING, launcher("Method Decode encountered an error.", "ERROR"),
         launcher("Shard 0 crashed", "ERROR"), "Error: ShardFailed"),
        1, "serve", "method_failed", "Decode", "docker logs",
    ),
)  # fmt: skip

DOCKER_ERRORS = (
    (
        "driver failed programming external connectivity on endpoint x: Bind for 127.0.0.1:8081 "
        "failed: port is already allocated",
        "port_taken",
    ),
    ('could not select device driver "cdi" with capabilities: [[gpu]]', "no_gpu"),
    ("CDI device injection failed: unresolvable CDI devices nvidia.com/gpu=7", "no_gpu"),
    (
        "nvidia-container-cli: requirement error: unsatisfied condition: cuda>=12.4, please "
        "update your driver",
        "old_driver",
    ),
    ("exec /tgi-entrypoint.sh: exec format error", "image_platform"),
    ("nvidia-container-cli: initialization error: nvml error: driver not loaded", "no_gpu"),
    (
        "nvidia-container-cli: initialization error: load library failed: libnvidia-ml.so.1: "
        "cannot open shared object file: no such file or directory",
        "no_gpu",
    ),
    ("unknown or invalid runtime name: nvidia", "no_gpu"),
    ("write /run/containerd/io.containerd.runtime.v2.task/x: no space left on device", "disk_full"),
    ("invalid mount config for type bind: bind source path does not exist: /srv/tgi", "docker"),
)
