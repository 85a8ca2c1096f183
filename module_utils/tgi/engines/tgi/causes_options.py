"""Endings that a model's options bring about: in the launcher, and in a shard that reads them."""

from __future__ import annotations

from .causes_gpu import NO_GPU_REMEDY
from .causes_rule import REPORT, Rule

_FIT_SHARDS = "choose another num_shard: a divisor of the model's attention and key-value heads"
OTHER_QUANTIZE = (
    "remove quantize, or choose a method and weights that fit each other and this GPU; TGI finds "
    "out by itself how weights are quantized"
)

OPTION_RULES: tuple[Rule, ...] = (
    Rule(
        "unknown_flag",
        r"^error: ((?:unexpected argument|invalid value|a value is required|unrecognized"
        r"|unknown|the argument|the following|equal sign).*)",
        "the launcher refused its options: {0}",
        "remove or correct that option in tgi_models; an environment variable in upper case counts "
        "as an option too, and booleans take exactly true or false",
    ),
    Rule(
        "argument_validation",
        r"ArgumentValidation\(\"(.+)\"\)",
        "options that do not fit together: {0}",
        "correct these values of the model in tgi_models",
    ),
    Rule(
        "not_enough_gpus",
        r"NotEnoughCUDADevices\(\"(.+)\"\)",
        "too few GPUs: {0}",
        "give the model as many gpus as num_shard says, or lower num_shard",
    ),
    Rule(
        "num_shard_unknown",
        r"--num-shard and \S+ are not set",
        "sharded is set, and nothing says into how many shards",
        "set num_shard of the model in tgi_models",
    ),
    Rule(
        "sliding_window",
        r"smaller than sliding_window=(\d+)",
        "without flash attention 2 this model takes inputs up to its sliding window, {0} tokens",
        "set max_input_tokens to {0} or lower; for longer inputs use a GPU of compute capability "
        "8.0 or newer, which the container must see",
    ),
    Rule(
        "quantize_without_gpu",
        r"quantization is not available on CPU",
        "quantize needs a GPU, and the engine sees none",
        NO_GPU_REMEDY,
    ),
    Rule(
        "flash_attention_needed",
        r"(?:NotImplementedError: )?(?:Sharded )?(\S[^:]*?) requires Flash Attention enabled models"
        r"|[Ff]lash `?Transformers`? modeling backend is not available on (cpu)",
        "{0} needs flash attention here: the GPU is not seen, or is too old for it",
        f"check that the container sees its GPUs ({NO_GPU_REMEDY}); they need compute capability "
        "7.5 or newer; without sharding (num_shard 1) some models run without flash attention",
    ),
    Rule(
        "sharding_unsupported",
        r"([Ss]harded is not supported for (?:AutoModel|this model)"
        r"|Sharding is currently not supported with \S+ quantization"
        r"|\w+ does not support Tensor Parallelism)",
        "this model cannot be spread over GPUs: {0}",
        "set num_shard to 1 and give it one GPU that is large enough, or choose another model",
    ),
    Rule(
        "heads_divisible",
        r"`?(num_\w+|n_heads)`? must be divisible by `?num_shards`?",
        "{0} cannot be divided by the number of shards",
        _FIT_SHARDS,
    ),
    Rule(
        "quantized_before",
        r"(The choosen size 1 is not compatible with sharding on \d+ shards)"
        r"|(mat1 and mat2 shapes cannot be multiplied \(\w+ and 1x\d+\))|(\[\d+, 1\] != \[.+\])",
        "the weights are packed as bitsandbytes packs them, which TGI cannot load: {0}",
        "take the model's original weights, and set quantize to bitsandbytes-nf4; or weights that "
        "AWQ or GPTQ has quantized",
    ),
    Rule(
        "shards_do_not_divide",
        r"(The choosen size \d+ is not compatible with sharding on \d+ shards"
        r"|Prepacked tensor cannot be sharded across \d+ shards)",
        "the weights cannot be divided by the number of shards: {0}",
        _FIT_SHARDS,
    ),
    Rule(
        "quantize_and_dtype",
        r"Only 1 can be set between `dtype` and `quantize`",
        "dtype and quantize exclude each other",
        "remove one of them from the model in tgi_models",
    ),
    Rule(
        "quantize_unfit",
        r"(Quantize is set to .+ but received a .+ config"
        r"|Cannot load `.+` ?(?:2:4 sparsity )?weight.*make sure the model is already quantized"
        r"|Cannot load `\w+`-quantized weight|Cannot parse compressed-tensors configuration"
        r"|Checkpoint does not have compressed-tensors configuration"
        r"|Unknown quantization method: \S+|\S+ quantization is not supported for AutoModel"
        r"|(?:Repacking|Using quantized Marlin|GPTQMarlinLinear|The GPTQ Marlin kernel).+"
        r"|\d+-bit GPTQ .+ is not supported.*|Group size \S+ is not supported.*"
        r"|Only 4-bit are supported.*|Number of input features .+ not divis[ai]ble by group size.*"
        r"|Checkpoints with asymmetric weights .+|\w+ does not support weight quantization yet"
        r"|Unknown quantization type, got \w+|Unsupported weights loader: .+"
        r"|weight \S*(?:q(?:weight|zeros)|g_idx|\.scales|gptq_\w+|weight_packed|\.B_24|\.s) "
        r"does not exist|(?:Please install EETQ|marlin is not installed).*"
        r"|AWQ GEMM kernel can't be used on ROCm.*)",
        "quantize does not fit: {0}",
        OTHER_QUANTIZE,
    ),
    Rule(
        "kv_cache_dtype",
        r"((?:FP8 KV cache|float8_\w+ FP8 KV cache) .+|Unknown kv_cache_dtype: \S+)",
        "kv_cache_dtype does not fit: {0}",
        "remove kv_cache_dtype, or use a GPU and an attention that have it",
    ),
    Rule(
        "attention_unfit",
        r"(Prefix caching is only supported with .+|Flash decoding requires Flash Attention V2"
        r"|Paged attention doesn't support \w+|Unknown attention engine \S+"
        r"|Attention is not valid \S+)",
        "ATTENTION or PREFIX_CACHING does not fit: {0}",
        "remove ATTENTION and PREFIX_CACHING from the model's environment: TGI chooses by itself",
    ),
    Rule(
        "attention_kernel",
        r"(Unsupported (?:group_size|head_dim|mask_mode)[^.]*|failed to dispatch [^.]*)",
        "flashinfer has no kernel for this model: {0}",
        "set ATTENTION to flashdecoding (or paged) and PREFIX_CACHING to false in the model's "
        "environment",
    ),
    Rule(
        "environment_bad",
        r"(Could not parse cuda graphs .+)|^(.+)$",
        "TGI cannot take the value of an environment variable: {0}",
        "correct CUDA_GRAPHS (numbers with commas), TGI_WIGGLE_ROOM (between 0 and 1), ATTENTION "
        "and PREFIX_CACHING in the model's environment",
        where=r"models/globals\.py:\d+ in <module>$",
    ),
    Rule(
        "dtype_unfit",
        r"(\S+ not implemented for '\w+')",
        "this device cannot calculate with the model's dtype: {0}",
        "set dtype to another value, or use a GPU",
    ),
    Rule(
        "ngrok",
        r"compiled without the `ngrok` feature",
        "this image has no ngrok",
        "remove ngrok from the model's options",
    ),
    Rule(
        "speculate",
        r"(Speculate is set to .+ but this \w+ models only has .+ heads"
        r"|Speculator decoding is not enabled for AutoModel)",
        "speculate does not fit: {0}",
        "lower speculate of the model in tgi_models, or remove it",
    ),
    Rule(
        "socket_folder",
        r"Failed to bind to address unix://(\S+?)[;.,]?(?:\s|$)|(AF_UNIX path too long)",
        "a shard cannot make its socket: {0}",
        "set shard_uds_path to a path whose folder exists in the container and is writable, and "
        "that no other launcher on this host uses; /tmp/text-generation-server is the default",
    ),
    Rule(
        "master_port",
        r"server socket has failed to (?:listen|bind).*|EADDRINUSE",
        "the port on which the shards meet is taken",
        "give each model its own master_port (needed with a host network)",
        ("load",),
    ),
    Rule(
        "metrics_port",
        r"failed to build prometheus recorder",
        "the metrics port is taken",
        "set prometheus_port to a free one (needed with a host network)",
    ),
    Rule(
        "port_taken",
        r"Failed to bind to (?!address unix)(\S+):|port is already allocated"
        r"|address already in use|code: 98\b",
        "the port is taken",
        "give the model another port in tgi_models; ss -ltnp on the host shows what holds it",
    ),
    Rule(
        "port_forbidden",
        r"WebServer\(Axum\(Os \{ code: (?:13|99), kind: (\w+)",
        "the web server cannot listen on its address: {0}",
        "remove hostname and port from the model's arguments: the role sets them",
    ),
)

CRASH_RULES: tuple[Rule, ...] = (
    Rule("panic", r"panicked at (.+?):?$", "TGI panicked at {0}", REPORT),
    Rule(
        "method_failed",
        r"Method (\w+) encountered an error",
        "the shard failed in {0}",
        REPORT,
        ("warmup", "serve"),
    ),
    Rule(
        "shard_crashed",
        r"Shard \d+ crashed|Error: ShardFailed",
        "a shard crashed while serving",
        f"Docker starts it again; {REPORT}",
    ),
    Rule(
        "download_failed",
        r"Download encountered an error|Error: DownloadError",
        "the download failed",
        REPORT,
    ),
    Rule(
        "shard_failed",
        r"Shard \d+ failed to start|Error: ShardCannotStart|Error: ShardDisconnected"
        r"|Shard complete standard error output|Error when initializing model",
        "a shard could not start",
        REPORT,
    ),
    Rule(
        "webserver_failed",
        r"Webserver Crashed|Error: WebserverFailed|Error: WebserverCannotStart"
        r"|Failed to start webserver",
        "the web server (router) ended",
        REPORT,
    ),
)
"""The last resort: they only say which part ended."""
