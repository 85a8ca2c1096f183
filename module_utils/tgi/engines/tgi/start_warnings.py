"""Name what the log of a server that serves says is not as asked, and the remedy."""

from __future__ import annotations

import re
from collections.abc import Sequence

from ...common.log_lines import Line
from ...common.text import shorten
from .causes import Cause
from .causes_gpu import GPU_UNSEEN, NO_GPU_REMEDY
from .causes_rule import Rule
from .launch_arguments import launch_arguments

_COMMIT = re.compile(r"[0-9a-f]{40}")
_NO_CONFIG = "Could not find tokenizer config locally and no API specified"
_LOOKED = re.compile(r'Tokenizer_config (?:None|Some\("(.*?)"\)) - (?:None|Some\("(.*?)"\))$')
_OFFLINE = "Offline mode active using cache defaults"
_CACHE = re.compile(r'Cache Cache \{ path: "(.*)" \}')
_OWN_TEMPLATE = "Using chat template from chat_template.json"
_NO_TEMPLATE = "so chats have no template"

RULES: tuple[Rule, ...] = (
    Rule("no_gpu", GPU_UNSEEN, "the container sees no GPU: {0}", NO_GPU_REMEDY),
    Rule(
        "no_flash_attention",
        r"Could not import Flash Attention enabled models: (.+)"
        r"|Couldn't load flash \w+ variant: (.+)",
        "flash attention is not in use: {0}",
        "use a GPU of compute capability 7.5 or newer and the image for it; without flash "
        "attention TGI is slow, and requests that meet in a batch may fail",
    ),
    Rule(
        "graphs_failed",
        r"Decode cuda graph warmup failed",
        "CUDA graphs could not be captured, so it generates more slowly",
        "lower max_batch_prefill_tokens or cuda_memory_fraction, or set CUDA_GRAPHS to 0 in the "
        "model's environment",
    ),
    Rule(
        "template_broken",
        r"Could not parse chat template (.+)",
        "chat_template.json is not in use: {0}",
        "choose a revision with a valid chat_template.json, or set tokenizer_config_path",
    ),
    Rule(
        "tokenizer_unsaved",
        r"Failed to import python tokenizer (.+)",
        "the router could not prepare its tokenizer: {0}",
        "make /usr/src/out writable in the container (a tmpfs, where its root is read-only), and "
        "check the repository's tokenizer files",
    ),
    Rule(
        "adapter_unused",
        r"^(\S+ unused adapter weights: .+)",
        "an adapter is only partly in use: {0}",
        "choose an adapter that was trained on this very model_id",
    ),
    Rule(
        "option_ignored",
        r"`--(max-batch-total-tokens)` is deprecated",
        "TGI ignores {0}: with flash attention it takes all memory that is free",
        "remove max_batch_total_tokens; lower max_total_tokens or cuda_memory_fraction instead",
    ),
)
_COMPILED = tuple((rule, re.compile(rule.pattern)) for rule in RULES)


def start_warnings(lines: Sequence[Line]) -> tuple[Cause, ...]:
    """Return what is not as asked though the server serves, each with its remedy.

    ``lines`` is the log of one run from its beginning. A warning that follows from another one is
    left out: without a GPU there is no flash attention.
    """
    arguments = launch_arguments(lines)
    found = [*_refusing(arguments), *_no_tokenizer_config(lines, arguments)]
    for rule, pattern in _COMPILED:
        if rule.id == "no_flash_attention" and any(one.id == "no_gpu" for one in found):
            continue
        for line in lines:
            seen = pattern.search(line.message)
            if seen and line.level in ("WARN", "ERROR"):
                said = shorten(next((one for one in seen.groups() if one), ""), 200)
                found.append(Cause(rule.id, rule.text.format(said), rule.remedy, line.text))
                break
    return tuple(found)


def _refusing(arguments: dict[str, str]) -> list[Cause]:
    if arguments.get("max_concurrent_requests") != "0":
        return []
    text = "it refuses every generation: max_concurrent_requests is 0"
    return [Cause("refuses_all", text, "set it to 1 or more in tgi_models, or remove it")]


def _no_tokenizer_config(lines: Sequence[Line], arguments: dict[str, str]) -> list[Cause]:
    """Return why the router has no tokenizer configuration, which holds the chat template."""
    missing = next((line for line in lines if line.message == _NO_CONFIG), None)
    if missing is None:
        return []
    asked = read = None
    offline, cache, without = False, "/data/hub", f", {_NO_TEMPLATE}"
    for line in lines:
        if looked := _LOOKED.match(line.message):
            asked, read = looked.groups()
        if place := _CACHE.match(line.message):
            cache = place.group(1)
        offline = offline or line.message == _OFFLINE
        without = "" if line.message == _OWN_TEMPLATE else without
    if asked:
        return [
            Cause(
                "tokenizer_config_path",
                f"the tokenizer configuration asked for is not in use: {asked} is missing or is "
                f"not valid{without}",
                "correct tokenizer_config_path in tgi_models: a JSON file below /data, which is "
                "tgi_data_dir on the host",
                missing.text,
            )
        ]
    if read:
        return [
            Cause(
                "no_tokenizer_config",
                f"{read} is missing or is not valid{without}",
                "put the model's tokenizer_config.json there, then restart it: docker restart "
                "CONTAINER",
                missing.text,
            )
        ]
    if offline:
        return [_without_ref(arguments, cache, without, missing.text)]
    return [
        Cause(
            "no_tokenizer_config",
            f"the Hub gave no tokenizer_config.json{without}",
            "check that this revision has one and that the host reaches the Hub; or set "
            "tokenizer_config_path",
            missing.text,
        )
    ]


def _without_ref(arguments: dict[str, str], cache: str, without: str, line: str) -> Cause:
    """Name the missing refs/REVISION: only TGI's router needs it, Python's client writes none."""
    model, revision = arguments.get("model_id", "ORG/NAME"), arguments.get("revision", "main")
    if model.startswith("/"):
        return Cause(
            "revision_of_directory",
            f"with a revision the router does not read the directory {model}{without}",
            "remove revision from the model in tgi_models",
            line,
        )
    if cache == "/data" or cache.startswith("/data/"):
        cache = f"tgi_data_dir{cache[len('/data') :]}"
    folder = f"{cache}/models--{model.replace('/', '--')}/refs"
    pinned = _COMMIT.fullmatch(revision)
    commit = revision if pinned else "COMMIT"
    which = "" if pinned else " (COMMIT: the name of the wanted folder in snapshots/)"
    return Cause(
        "no_ref",
        f"refs/{revision} of the offline cache is missing or is not exactly a commit, so the "
        f"router finds none of the model's files{without}",
        f"write that file, exactly the 40 characters of the commit without a newline{which}: "
        f"mkdir -p {folder} && printf %s {commit} > {folder}/{revision}; then restart it: docker "
        "restart CONTAINER",
        line,
    )
