"""Log patterns of failures of GPU, driver, memory and shards."""

from __future__ import annotations

from .causes_rule import Rule

_FIT = (
    "quantize it (quantize), spread it over more GPUs (gpus, num_shard), or use a smaller model "
    "or a larger GPU; nvidia-smi shows what else holds memory"
)
_GPUS = "give the model as many gpus as num_shard says, or lower num_shard"
_DRIVER = (
    "update the host's NVIDIA driver to one that supports the image's CUDA version (nvidia-smi "
    "shows the highest it supports), then reboot; or use an image built for an older CUDA"
)
NO_GPU_REMEDY = (
    "run site.yml --tags nvidia_container_toolkit; check on the host that nvidia-smi and "
    "nvidia-ctk cdi list show the model's gpus"
)
#: The launcher's warning when PyTorch sees no GPU; the group is PyTorch's first sentence
GPU_UNSEEN = r"Cannot determine GPU compute capability: (?:\w+: )?([^.]+)"
_OOM = (
    r"OutOfMemoryError|CUDA out of memory|Cuda failure .*out of memory|Triton Error .*out of memory"
    r"|CUBLAS_STATUS_(?:NOT_INITIALIZED|ALLOC_FAILED)|Failed to allocate memory for \w+"
)
_SHM = "give the container more shared memory (tgi_shm_size), or set NCCL_SHM_DISABLE=1 (slower)"

# Most specific first: a traceback often names the cause and its effects
GPU_RULES: tuple[Rule, ...] = (
    Rule(
        "too_few_gpus",
        r"Each process is one gpu|Duplicate GPU detected|invalid device ordinal",
        "fewer GPUs than shards",
        _GPUS,
    ),
    Rule(
        "old_driver",
        r"unsatisfied condition: cuda|driver version is insufficient|NVIDIA driver on your system "
        r"is too old|forward compatibility was attempted|PTX was compiled with an unsupported",
        "the NVIDIA driver is too old for the image's CUDA",
        _DRIVER,
    ),
    Rule(
        "gpu_architecture",
        r"no kernel image is available for execution|is not defined for option 'gpu-name'"
        r"|with CUDA capability \S+ \S+ is not supported|requires a GPU with CUDA capability",
        "the image has no kernels for this GPU's architecture",
        "use another GPU (compute capability 7.5 or newer) or an image built for this one",
    ),
    Rule(
        "gpu_architecture",
        r"FlashAttention only supports Ampere|only available with flash attn v2"
        r"|not available in flash attn v1",
        "the GPU is too old for flash attention 2",
        "use a GPU of compute capability 8.0 or newer, or set ATTENTION to paged and "
        "PREFIX_CACHING to false in the model's environment",
    ),
    Rule(
        "no_fp8",
        r"(type fp8\w+ not supported in this architecture|torch\._scaled_mm is only supported"
        r"|fp8\w* data type is not supported)",
        "the GPU cannot calculate in fp8",
        "remove quantize and kv_cache_dtype if they say fp8, choose weights that are not fp8 (AWQ "
        "or GPTQ are as small), or use a GPU of compute capability 8.9 or newer",
    ),
    Rule(
        "gpu_kernel",
        r"(out of resource: shared memory, .+?Hardware limit: \d+)",
        "this GPU is too small for one of the kernels: {0}",
        "use weights quantized in another way, or a GPU of the data centre's kind",
    ),
    Rule(
        "gpu_busy",
        r"devices are busy or unavailable",
        "the GPU is taken by another process, or is in exclusive mode",
        "see nvidia-smi: end what holds it, or nvidia-smi -c DEFAULT; with MIG give the model an "
        "instance",
    ),
    Rule(
        "vgpu",
        r"CUDA error: operation not supported",
        "the GPU cannot do what TGI needs, as a virtual GPU without unified memory",
        "set enable_uvm=1 among the virtual GPU's plugin parameters, or pass a whole GPU through",
    ),
    Rule(
        "no_peer_access",
        r"peer access is not supported",
        "these GPUs cannot reach each other's memory",
        "set NCCL_P2P_DISABLE to 1 in the model's environment",
    ),
    Rule(
        "gpu_fabric",
        r"system not yet initialized|CUDA_ERROR_SYSTEM_NOT_READY",
        "the GPUs' switch fabric is not up",
        "start nvidia-fabricmanager on the host, in exactly the driver's version",
    ),
    Rule(
        "no_gpu",
        r"could not select device driver|unresolvable CDI devices|CDI device injection failed"
        r"|No CUDA GPUs are available|Failed to initialize NVML|Found no NVIDIA driver"
        r"|no CUDA-capable device|libcuda\.so\.1: cannot open|Torch not compiled with CUDA enabled"
        r"|torch\.cuda\.is_available\(\) is False"
        r"|CUDA unknown error|CUDA driver initialization failed|nvidia-container-cli: "
        r"|invalid runtime name: nvidia|custom device \"/dev/nvidia",
        "the container has no access to its GPUs",
        NO_GPU_REMEDY,
    ),
    Rule(
        "shared_memory",
        r"signaled to shutdown with (signal 7)\b|(unable to (?:open|write|allocate) shared memory)"
        r"|(bus error)|(Error while creating shared memory segment)",
        "too little shared memory: {0}",
        _SHM,
    ),
    Rule(
        "warmup_oom",
        r"Not enough memory to handle (\d+) prefill tokens",
        "out of GPU memory at warm-up: {0} prefill tokens do not fit",
        "set max_batch_prefill_tokens below {0} in tgi_models, or max_input_tokens lower",
    ),
    Rule(
        "kv_too_small",
        r"NotEnoughMemory\((\d+)\)|Not enough memory to handle `max_total_tokens=(\d+)`",
        "the memory left for the KV cache is too small for {0} total tokens",
        "lower max_total_tokens, or make room: quantize, more gpus, a higher cuda_memory_fraction",
    ),
    Rule(
        "oom_warmup",
        _OOM,
        "out of GPU memory at warm-up",
        "lower max_batch_prefill_tokens, or set CUDA_GRAPHS to 0 in the model's environment",
        ("warmup",),
    ),
    Rule(
        "oom_serving",
        _OOM,
        "out of GPU memory while serving",
        "lower cuda_memory_fraction or max_batch_prefill_tokens; nvidia-smi shows what else holds "
        "memory on this GPU",
        ("serve",),
    ),
    Rule(
        "oom_load",
        _OOM,
        "out of GPU memory: the weights do not fit",
        _FIT,
    ),
    Rule(
        "cuda_serving",
        r"CUDA error: |CUDA_ERROR_\w+",
        "CUDA error while serving",
        "see dmesg on the host for Xid lines (a GPU fault), try another GPU, and test without "
        "CUDA graphs (CUDA_GRAPHS=0)",
        ("serve",),
    ),
    Rule(
        "cuda",
        r"CUDA error: (.+?)(?: CUDA kernel errors might |$)",
        "CUDA error: {0}",
        "see dmesg on the host for Xid lines; reset or change the GPU",
    ),
)

#: What befalls a process because another one ended, or a signal without a reason of its own:
#: asked only if nothing else names a cause
CONSEQUENCE_RULES: tuple[Rule, ...] = (
    Rule(
        "shards_apart",
        r"DistStoreError|DistNetworkError|Timed out after \d+ seconds waiting for clients",
        "the shards did not find each other in time",
        "slow disks delay some shards beyond 120 s: put the weights on a local disk; on a host "
        "network give each model its own MASTER_PORT",
        ("load",),
    ),
    Rule(
        "nccl",
        r"NCCL|nccl\w*Error|Connection (?:closed|reset) by peer|Broken pipe",
        "the shards cannot talk to each other (NCCL)",
        f"{_SHM}; NCCL_DEBUG=INFO in the model's environment says more",
    ),
    Rule(
        "shard_signal",
        r"signaled to shutdown with signal (\d+)",
        "signal {0} ended a process of TGI",
        "see dmesg on the host (Xid lines mean a GPU fault), then try another GPU; with several "
        "shards NCCL_DEBUG=INFO in the model's environment says more",
    ),
)
