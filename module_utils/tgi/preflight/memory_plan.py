"""Run the planner for a host's models before anything is downloaded or started there.

It refuses a model that cannot fit by the most favourable estimate, and a quantisation that TGI
refuses on the GPU. It says nothing where the dimensions are unknown (no config.json in the
host's cache yet), or where only an estimate decides.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ..models import hub_cache
from ..planner.gpu_table import Card
from ..planner.plan import plan_model, source_of
from ..planner.sources import Source, read_source


def check_plan(
    models: list[dict[str, Any]], gpus: list[dict[str, Any]], data_dir: Path
) -> list[str]:
    """Check models against the GPUs of host.nvidia.gpus.parse_gpus.

    Each model is an entry of models.resolve.assign with ``variable`` (its place in the
    inventory), and ``environment`` from host_request.known_environment.
    """
    cards = [
        Card(gpu["index"], gpu["name"], gpu["memory_mib"], _capability(gpu), gpu["uuid"])
        for gpu in gpus
    ]
    found: list[str] = []
    for model in models:
        own = _cards_of(model, cards)
        others = {
            card.number: other["name"]
            for other in models
            if other is not model
            for card in _cards_of(other, cards)
        }
        # GPUs that are not there, given twice or too few have been reported already
        apart = not any(card.number in others for card in own)
        if apart and model["num_shard"] <= len(own) == len(model["gpus"]):
            source = find_config(model, data_dir)
            found += plan_model(model, model["variable"], source, cards, others).problems
    return found


def _cards_of(model: Mapping[str, Any], cards: list[Card]) -> list[Card]:
    named = {gpu.lower() for gpu in model["gpus"]}
    return [card for card in cards if named & {str(card.number), card.uuid.lower()}]


def find_config(model: Mapping[str, Any], data_dir: Path) -> Source:
    """Find config.json where TGI keeps it below its /data, or among the well-known models."""
    name, revision = model["model_id"], model["revision"] or "none"
    paths = [name]
    if not name.startswith("/"):
        places = hub_cache.repository_paths(name, model["environment"], bool(model["gpus"]))
        paths = [f"{place}/snapshots/{revision}" for place in places]
    for path in paths:
        if (
            path.startswith("/data/")
            and (data_dir / path[len("/data/") :] / "config.json").is_file()
        ):
            return read_source(str(data_dir / path[len("/data/") :]))
    return source_of(None, name)


def _capability(gpu: Mapping[str, Any]) -> float | None:
    try:
        return float(gpu["compute_cap"])
    except (TypeError, ValueError):
        return None
