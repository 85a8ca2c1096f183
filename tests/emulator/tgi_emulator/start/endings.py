"""How starts end: for each fault at start, the exceptions that TGI's Python processes print.

`chain` names, for each exception from first to last, its frames (groups of tracebacks.txt), type
and text; the words for its frames; and how the one before led to it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from string import Template

from . import hub_cache
from .args import Args
from .tracebacks import Raised, frames

Words = Mapping[str, str]


@dataclass(frozen=True)
class Step:
    """One exception of a chain."""

    groups: str
    kind: str
    text: str
    words: Words = field(default_factory=dict)
    link: str = "context"


@dataclass(frozen=True)
class Ending:
    """A fault at start: the phase it ends, what happened, what is logged before, what is raised."""

    phase: str
    about: str
    chain: tuple[Step, ...] = ()
    before: tuple[tuple[str, str], ...] = ()
    caught: bool = True
    """The server logs it itself (`Error when initializing model`) before it ends."""
    boxed: bool = True
    """No box where the program itself cannot be imported."""
    signal: int = 0


_OS, _RUNTIME, _VALUE = "builtins.OSError", "builtins.RuntimeError", "builtins.ValueError"
_SAFETENSORS = "safetensors_rust.SafetensorError"
_JSON = "json.decoder.JSONDecodeError"
_EXPECTING = "Expecting property name enclosed in double quotes: line 2 column 1 (char 60)"
_ENTRY = "huggingface_hub.errors.EntryNotFoundError"
_FILE = "builtins.FileNotFoundError"
_INVALID = "huggingface_hub.errors.HFValidationError"
_BIN, _PT = {"suffix": ".bin"}, {"suffix": ".pt"}
_SLIDING = (
    "The backend cuda does not support sliding window attention that is used by the model type"
    " mistral. To use this model nonetheless with the cuda backend, please launch TGI with the"
    " argument `--max-input-tokens` smaller than sliding_window=4096 (got here"
    " max_input_tokens=6000)."
)
PICKLE = (
    "🚨🚨BREAKING CHANGE in 2.0🚨🚨: Safetensors conversion is disabled without"
    " `--trust-remote-code` because Pickle files are unsafe and can essentially contain remote code"
    " execution!Please check for more information here:"
    " https://huggingface.co/docs/text-generation-inference/basic_tutorials/safety"
)
CONVERTING = (
    "No safetensors weights found for model $model at revision $shown. Converting PyTorch weights"
    " to safetensors."
)
_RESOLVE = "Failed to resolve 'huggingface.co' ([Errno -2] Name or service not known)"
_HTTPS = "<urllib3.connection.HTTPSConnection object at 0x7f2e87aefed0>"
_RETRIES = (
    "HTTPSConnectionPool(host='huggingface.co', port=443): Max retries exceeded with url: $api"
    f' (Caused by NameResolutionError("{_HTTPS}: {_RESOLVE}"))'
)
_NO_SPACE = "[Errno 28] No space left on device: '/data/hub/models--$folder'"
NO_FLASH = "Could not import Flash Attention enabled models: CUDA is not available"


def _refused(code: int, name: str, reason: str, text: str) -> tuple[Step, ...]:
    """The Hub's answer with a status: requests' exception, then the Hub library's."""
    words = {"code": str(code), "type": name}
    return (
        Step("status", "requests.exceptions.HTTPError", f"{code} Client Error: {reason} for url:"
             " https://huggingface.co$api", words),
        Step("files valid answer", f"huggingface_hub.errors.{name}", f"{code} Client Error."
             f" (Request ID: Root=1-6929a1b2-3d13f87a1d2d4bf899b88747)\n\n{text}", words, "cause"),
    )  # fmt: skip


def _load(groups: str, kind: str, text: str) -> tuple[Step, ...]:
    return (Step(f"serve inner {groups}", kind, text),)


def _no_weights(suffix: str) -> str:
    return f"No {suffix} weights found for model $model and revision $shown."


ENDINGS: dict[str, Ending] = {
    "gated-model": Ending("download", "401 for a gated repository", _refused(
        401, "GatedRepoError", "Unauthorized", "Cannot access gated repo for url"
        " https://huggingface.co$api.\nAccess to model $model is restricted. You must have access"
        " to it and be authenticated to access it. Please log in.")),
    "bad-model-id": Ending("download", "repository not found", _refused(
        401, "RepositoryNotFoundError", "Unauthorized", "Repository Not Found for url:"
        " https://huggingface.co$api.\nPlease make sure you specified the correct `repo_id` and"
        " `repo_type`.\nIf you are trying to access a private or gated repo, make sure you are"
        " authenticated.\nInvalid username or password.")),
    "bad-revision": Ending("download", "revision not found", _refused(
        404, "RevisionNotFoundError", "Not Found", "Revision Not Found for url:"
        " https://huggingface.co$api.\nInvalid rev id: $shown")),
    "hub-unreachable": Ending("download", "the Hub's name does not resolve", (
        Step("resolve", "socket.gaierror", "[Errno -2] Name or service not known"),
        Step("connect", "urllib3.exceptions.NameResolutionError", f"{_HTTPS}: {_RESOLVE}",
             link="cause"),
        Step("retry", "urllib3.exceptions.MaxRetryError", _RETRIES, link="cause"),
        Step("files valid info session", "requests.exceptions.ConnectionError",
             f"(MaxRetryError({_RETRIES!r}), '(Request ID:"
             " 3d13f87a-1d2d-4bf8-99b8-87472bc99e7c)')"),
    )),
    "bad-path": Ending("download", "model_id is a path that is not there", (
        Step("files invalid", _INVALID, "Repo id must be in the form 'repo_name' or"
             " 'namespace/repo_name': '$model'. Use `repo_type` argument if needed."),)),
    "not-cached": Ending("download", "offline, and the revision is not in the cache", (
        Step("bin cached uncached", _ENTRY, _no_weights(".bin"),
             _BIN),
        Step("pt cached uncached", _ENTRY, _no_weights(".pt"), _PT),
        Step("uncached-last uncached", _ENTRY, _no_weights(".bin"), _BIN),
    ), (("WARN", "No safetensors weights found for model $model at revision $shown. Downloading"
         " PyTorch weights."),)),
    "no-weights": Ending("download", "a local folder without weights", (
        Step("bin local", _FILE, "No local weights found in $path with extension .bin", _BIN),
        Step("pt local", _FILE, "No local weights found in $path with extension .pt", _PT),
    )),
    "pickle-weights": Ending("download", ".bin weights that are none", (
        Step("pickle", "struct.error", "unpack requires a buffer of 4 bytes"),
    ), (("WARN", PICKLE), ("WARN", CONVERTING))),
    "bad-adapter": Ending("adapter", "a LoRA adapter that is not there", (
        Step("files invalid", _INVALID, "Repo id must be in the form 'repo_name' or"
             " 'namespace/repo_name': '$model'. Use `repo_type` argument if needed."),)),
    "library-memory": Ending("download", "too little memory to map the libraries", (
        Step("torch", "builtins.ImportError",
             "libcublasLt.so.12: failed to map segment from shared object"),), boxed=False),
    "disk-full": Ending("download", "no space left on device", (
        Step("download", _OS, _NO_SPACE),), tuple(
            line for retry in range(1, 5) for line in (
                ("ERROR", _NO_SPACE), ("INFO", "Retrying in 5 seconds"),
                ("INFO", f"Retry {retry}/4"), ("INFO", "Download file: model.safetensors")))),
    "weights-cut": Ending("load", "a weights file is cut off", _load(
        "flash weights", _SAFETENSORS,
        "Error while deserializing header: MetadataIncompleteBuffer")),
    "weights-pointers": Ending("load", "weights are Git LFS pointers", _load(
        "flash weights", _SAFETENSORS, "Error while deserializing header: HeaderTooLarge")),
    "tensor-missing": Ending("load", "a weights file is missing", _load(
        "flash model layers tensor", _RUNTIME,
        "weight model.layers.17.mlp.down_proj.weight does not exist")),
    "config-missing": Ending("load", "no config.json", _load(
        "no-type", _RUNTIME, "Could not determine model type for $model revision $shown")),
    "config-broken": Ending("load", "config.json is no JSON", (
        Step("config-read json-decode", _JSON, _EXPECTING),
        *_load("config-dict config-refused", _OS, "It looks like the config file at"
               " '$path/config.json' is not a valid JSON file."))),
    "tokenizer-broken": Ending("load", "tokenizer_config.json is no JSON", _load(
        "flash tokenizer tokenizer-read json-decode", _JSON, _EXPECTING)),
    "tokenizer-missing": Ending("load", "no tokenizer files", _load(
        "flash tokenizer tokenizer-missing", _OS, "Can't load tokenizer for '$model'. If you were"
        " trying to load it from 'https://huggingface.co/models', make sure you don't have a local"
        " directory with the same name. Otherwise, make sure '$model' is the correct path to a"
        " directory containing all relevant files for a LlamaTokenizerFast tokenizer.")),
    "shapes-differ": Ending("load", "shapes do not fit config.json", _load(
        "state-dict", _RUNTIME, "Error(s) in loading state_dict for LlamaForCausalLM:\n\tsize"
        " mismatch for model.embed_tokens.weight: copying a param with shape torch.Size([49152,"
        " 576]) from checkpoint, the shape in current model is torch.Size([49152, 960]).")),
    "unknown-type": Ending("load", "an architecture that TGI does not know", _load(
        "unknown-type", _VALUE, "Unsupported model type mistral3")),
    "sliding-window": Ending("load", "sliding window without paged attention", _load(
        "window", _VALUE, _SLIDING)),
    "quantize-on-cpu": Ending("load", "quantisation, but no GPU is seen", _load(
        "fallback", _VALUE, "quantization is not available on CPU"), (("WARN", NO_FLASH),)),
    "no-flash-attention": Ending("load", "two shards without flash attention", _load(
        "sharded", "builtins.NotImplementedError",
        "Sharded llama requires Flash Attention enabled models."), (("WARN", NO_FLASH),)),
    "heads-odd": Ending("load", "shards do not divide the heads", _load(
        "flash model layers heads", _VALUE, "`num_heads` must be divisible by `num_shards` (got"
        " `num_heads`: 9 and `num_shards`: 2")),
    "no-socket-folder": Ending("load", "the folder of shard_uds_path is missing", (
        Step("serve socket", _RUNTIME, "Failed to bind to address unix://$uds-0; set"
             " GRPC_VERBOSITY=debug environment variable to see detailed error message."),
    ), caught=False),
    "oom-load": Ending("load", "CUDA out of memory", _load(
        "flash model layers memory", "torch.OutOfMemoryError", "CUDA out of memory. Tried to"
        " allocate 224.00 MiB. GPU 0 has a total capacity of 22.06 GiB of which 118.19 MiB is"
        " free. Including non-PyTorch memory, this process has 21.94 GiB memory in use. Of the"
        " allocated memory 21.71 GiB is allocated by PyTorch, and 1.05 MiB is reserved by PyTorch"
        " but unallocated.")),
    "too-few-gpus": Ending("load", "more shards than GPUs", _load(
        "flash group", "builtins.AssertionError", "Each process is one gpu")),
    "signal-9": Ending("load", "shard killed by the kernel (host memory)", signal=9),
    "signal-4": Ending("load", "illegal instruction (CPU too old)", signal=4),
}  # fmt: skip


def failed(error: Exception) -> Ending:
    """The ending by an error that this process met itself, while it downloads."""
    kind = f"{type(error).__module__}.{type(error).__name__}"
    return Ending("download", "", (Step("download", kind, str(error).replace("$", "$$")),))


def find_words(args: Args, env: Mapping[str, str], model: str) -> dict[str, str]:
    """What the frames and texts say about this start; the Hub's token among it, as with TGI."""
    revision = args.text("revision")
    token = env.get("HF_API_TOKEN") or env.get("HF_TOKEN") or env.get("HUGGING_FACE_HUB_TOKEN")
    bearer = f", 'authorization': {f'Bearer {token}'!r}" if token else ""
    agent = "'user-agent': 'unknown/None; hf_hub/0.31.1; python/3.11.11'"
    accepts = "'Accept-Encoding': 'gzip, deflate', 'Accept': '*/*', 'Connection': 'keep-alive'"
    local = Path(model).is_dir() or model.startswith("/")
    return {
        "model": model, "revision": repr(revision), "shown": revision or "None",
        "path": model if local else str(hub_cache.snapshot(args, env)),
        "folder": model.replace("/", "--"),
        "api": f"/api/models/{model}" + (f"/revision/{revision}" if revision else ""),
        "uds": args.text("shard_uds_path") or "",
        "max_input": repr(args.number("max_input_tokens")),
        "headers": f"{{{agent}{bearer}}}", "sent": f"{{{agent}, {accepts}{bearer}}}",
    }  # fmt: skip


def raised(ending: Ending, words: Words) -> list[Raised]:
    """The chain of an ending, filled in."""
    chain = []
    for number, step in enumerate(ending.chain):
        text = Template(step.text).safe_substitute(words)
        exception = f"{step.kind.rpartition('.')[2]}({text!r})"
        known = {**words, **step.words, "exception": exception}
        link = step.link if number else ""
        chain.append(Raised(step.kind, text, frames(step.groups, known), link))
    return chain
