"""Check the launcher's own rules before a model is downloaded.

They follow launcher/src/main.rs, server/text_generation_server/cli.py and
backends/v3/src/main.rs of TGI 3.3.7. Breaking one ends a start that took minutes.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterator
from typing import Any

from ...common.data_paths import check_data_path
from ...common.problem import number, problem, shown, whole
from .environment_rules import check_environment
from .environment_values import check_url
from .options import LAUNCHER_OPTIONS, OPTIONS

# (smaller, larger, whether they may be equal)
_ORDER = (
    ("max_input_tokens", "max_total_tokens", False),
    ("max_total_tokens", "max_batch_total_tokens", True),
    ("max_batch_prefill_tokens", "max_batch_total_tokens", True),
)
# The smallest number that serves requests: name -> (number, why). For all others it is 1
_LEAST = {
    "speculate": (0, ""),
    "max_stop_sequences": (0, ""),
    "max_top_n_tokens": (0, ""),
    "max_waiting_tokens": (0, ""),
    "max_input_tokens": (32, "the template of a chat alone takes some 30"),
    "max_total_tokens": (33, "the template of a chat alone takes some 30"),
    "max_batch_prefill_tokens": (32, "it is the tokens of one step of prefill"),
    "payload_limit": (1024, "it counts bytes"),
}
# Comparisons that are false for "not a number"
_RANGES: tuple[tuple[str, Callable[[float], bool], str], ...] = (
    ("cuda_memory_fraction", lambda x: 0 < x <= 1, "more than 0 and at most 1, for example 0.9"),
    ("waiting_served_ratio", lambda x: 0 <= x < math.inf, "0 or more, for example 0.3"),
    ("rope_factor", lambda x: 0 < x < math.inf, "more than 0, for example 2.0"),
    ("watermark_gamma", lambda x: 0 < x < 1, "a number between 0 and 1, for example 0.5"),
)
_ADAPTER = re.compile(r"[^@=,\s]+(=[^@=,\s]+)?(@[^@=,\s]+)?")
_HUB_ADAPTER = re.compile(r"\w[\w.-]*/\w[\w.-]*(@.+)?", re.ASCII)
_COLLECTOR = re.compile(r"https?://\S+")


def check_launcher(model: dict[Any, Any], where: str, version: Any) -> Iterator[str]:
    """Yield the problems of one model's launcher options and environment."""
    yield from _check_order(model, where)
    yield from _check_ranges(model, where)
    yield from _check_sharding(model, where)
    yield from _check_formats(model, where)
    yield from _check_versions(model, where, version)
    yield from _check_urls(model, where)
    yield from check_environment(model.get("environment"), f"{where}.environment")


def _check_order(model: dict[Any, Any], where: str) -> Iterator[str]:
    for smaller, larger, may_be_equal in _ORDER:
        low, high = whole(model.get(smaller)), whole(model.get(larger))
        if low is None or high is None or low < high or (may_be_equal and low == high):
            continue
        bound = "at most" if may_be_equal else "less than"
        remedy = f"write {bound} {high}, or a larger {larger}"
        yield problem(f"{where}.{smaller}", f"is {low}, but {larger} is {high}", remedy)


def _check_ranges(model: dict[Any, Any], where: str) -> Iterator[str]:
    for option in LAUNCHER_OPTIONS:
        value = whole(model.get(option.name)) if option.type == "int" else None
        least, why = _LEAST.get(option.name, (1, ""))
        if value is not None and value < least:
            remedy = f"write {least} or more{f', because {why}' if why else ''}"
            yield problem(f"{where}.{option.name}", f"is {value}", remedy)
    for name, fits, example in _RANGES:
        fraction = number(model.get(name))
        if fraction is not None and not fits(fraction):
            yield problem(f"{where}.{name}", f"is {fraction:g}", f"write {example}")
    graphs = model.get("cuda_graphs")
    for place, size in enumerate(graphs if isinstance(graphs, list) else []):
        if (whole(size) or 0) < 0:
            yield problem(f"{where}.cuda_graphs[{place}]", f"is {size}", "write 0 or more")


def _check_sharding(model: dict[Any, Any], where: str) -> Iterator[str]:
    gpus = model.get("gpus")
    shards = whole(model.get("num_shard")) or (len(gpus) if isinstance(gpus, list) else 0) or 1
    sharded = model.get("sharded")
    if sharded is True and shards < 2:
        remedy = "delete it, or give the model two GPUs or more"
        yield problem(f"{where}.sharded", "is true, but there is one shard", remedy)
    if sharded is False and shards > 1:
        remedy = "delete it, or give the model one GPU"
        yield problem(f"{where}.sharded", f"is false, but there are {shards} shards", remedy)
    if model.get("quantize") == "exl2" and shards > 1:
        remedy = "give the model one GPU, or quantise it in another way"
        yield problem(f"{where}.quantize", "is exl2, which cannot be sharded", remedy)


def _check_formats(model: dict[Any, Any], where: str) -> Iterator[str]:
    quantize = model.get("quantize")
    named = isinstance(quantize, str) and bool(quantize)
    if named and model.get("dtype") and not str(quantize).startswith("bitsandbytes"):
        what = f"is set together with quantize: {quantize}"
        yield problem(f"{where}.dtype", what, "delete one: TGI takes both only for bitsandbytes")
    adapters = model.get("lora_adapters")
    for place, adapter in enumerate(adapters if isinstance(adapters, list) else []):
        path = f"{where}.lora_adapters[{place}]"
        name, _, local = str(adapter).partition("=")
        if not _ADAPTER.fullmatch(str(adapter)):
            remedy = "write id, id@revision or name=path"
            yield problem(path, f"is {shown(adapter)}", remedy)
        elif local:
            yield from check_data_path(local.partition("@")[0], path)
        elif not _HUB_ADAPTER.fullmatch(name):
            remedy = "write organisation/name, or name=path with a path under /data"
            yield problem(path, f"is {shown(adapter)}, not a repository on the Hub", remedy)
    template = model.get("tokenizer_config_path")
    if isinstance(template, str) and template:
        why = "; without the file TGI serves without a chat template"
        yield from check_data_path(template, f"{where}.tokenizer_config_path", why)


def _check_urls(model: dict[Any, Any], where: str) -> Iterator[str]:
    collector = model.get("otlp_endpoint")
    if model.get("cors_allow_origin") is not None:
        what = "is set, but TGI lets no browser send a key"
        remedy = "delete it, and list the web page's origin in the gateway's gateway_cors_origins"
        yield problem(f"{where}.cors_allow_origin", what, remedy)
    if isinstance(collector, str) and collector and not _COLLECTOR.fullmatch(collector):
        remedy = "write one such as http://collector.example.org:4317"
        yield problem(f"{where}.otlp_endpoint", f"is {shown(collector)}, not a URL", remedy)
    yield from check_url(collector, f"{where}.otlp_endpoint", logged=True)


def _check_versions(model: dict[Any, Any], where: str, version: Any) -> Iterator[str]:
    deployed = release(version)
    for name, option in OPTIONS.items():
        newer = deployed is not None and (release(option.since) or ()) > deployed
        if newer and model.get(name) is not None:
            what = f"exists since TGI {option.since}, and tgi_version is {version}"
            yield problem(f"{where}.{name}", what, "delete it, or deploy a newer image")


def release(version: Any) -> tuple[int, ...] | None:
    """Return 3.3.7 as (3, 3, 7), and None for anything but a release number."""
    text = str(version).lstrip("v")
    return tuple(map(int, text.split("."))) if re.fullmatch(r"\d+\.\d+\.\d+", text) else None
