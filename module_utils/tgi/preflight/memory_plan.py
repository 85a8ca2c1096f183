"""What the planner says of a host's models before anything is downloaded or started there.

It refuses what cannot fit by the most favourable estimate, and quantisation that TGI refuses
on the card. Where dimensions are not known (no config.json in the host's cache yet), or an
estimate decides, it says nothing.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ..planner.gpu_table import Card
from ..planner.plan import plan_model, source_of
from ..planner.sources import Source, read_source

# Of the launcher's options and the environment only what decides about memory leaves for the host
_OPTIONS = (
    "quantize",
    "kv_cache_dtype",
    "max_input_tokens",
    "max_total_tokens",
    "max_batch_prefill_tokens",
    "cuda_memory_fraction",
    "speculate",
    "enable_prefill_logprobs",
)
_ENVIRONMENT = ("ATTENTION", "TGI_WIGGLE_ROOM", "USE_FLASH_ATTENTION")


def asked(model: Mapping[str, Any], environment: Any) -> dict[str, Any]:
    """Give what the host must know of an entry of models.resolve_models.

    ``environment`` is tgi_environment, below the model's own.
    """
    common = environment if isinstance(environment, Mapping) else {}
    merged = {**common, **model["environment"]}
    return {
        "model_id": model["model_id"],
        "revision": model["revision"] or "",
        "num_shard": model["num_shard"],
        # A value of another kind has been reported already
        "options": {
            name: model["options"][name]
            for name in _OPTIONS
            if isinstance(model["options"].get(name), (str, int, float))
        },
        "environment": {name: str(merged[name]) for name in _ENVIRONMENT if name in merged},
    }


def check_plan(
    models: list[dict[str, Any]], gpus: list[dict[str, Any]], data_dir: Path
) -> list[str]:
    """Judge models (name, gpus, variable, and plan: see asked) against the GPUs of parse_gpus."""
    cards = [
        Card(gpu["index"], gpu["name"], gpu["memory_mib"], _capability(gpu), gpu["uuid"])
        for gpu in gpus
    ]
    found: list[str] = []
    for model in models:
        wish = model.get("plan")
        own = _cards_of(model, cards)
        others = {
            card.number: other["name"]
            for other in models
            if other is not model
            for card in _cards_of(other, cards)
        }
        # GPUs that are not there, given twice or too few have been reported already
        apart = not any(card.number in others for card in own)
        if wish and apart and wish["num_shard"] <= len(own) == len(model["gpus"]):
            where = model["variable"].rpartition(".")[0]
            entry = {**wish, "name": model["name"], "gpus": model["gpus"]}
            source = find_config(wish, data_dir)
            found += plan_model(entry, where, source, cards, others).problems
    return found


def _cards_of(model: Mapping[str, Any], cards: list[Card]) -> list[Card]:
    named = {gpu.lower() for gpu in model["gpus"]}
    return [card for card in cards if named & {str(card.number), card.uuid.lower()}]


def find_config(wish: Mapping[str, Any], data_dir: Path) -> Source:
    """Find config.json where TGI keeps it below its /data, or among the well-known models."""
    model_id, revision = str(wish["model_id"]), str(wish["revision"])
    if model_id.startswith("/data/"):
        path = data_dir / model_id[len("/data/") :]
    else:
        folder = "models--" + model_id.replace("/", "--")
        path = data_dir / "hub" / folder / "snapshots" / (revision or "none")
    if (path / "config.json").is_file():
        return read_source(str(path))
    return source_of(None, model_id)


def _capability(gpu: Mapping[str, Any]) -> float | None:
    try:
        return float(gpu["compute_cap"])
    except (TypeError, ValueError):
        return None
