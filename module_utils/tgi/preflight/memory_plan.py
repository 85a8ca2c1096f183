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
from ..planner.model_config import read_dimensions
from ..planner.plan import plan_model, source_of
from ..planner.sources import Source, read_source
from ..planner.tuning import tuned_options
from ..planner.workload import Case, memory_options


def check_plan(
    models: list[dict[str, Any]], gpus: list[dict[str, Any]], data_dir: Path
) -> list[str]:
    """Check models against the GPUs of host.nvidia.gpus.parse_gpus.

    Each model is an entry of models.resolve.assign with ``variable`` (its place in the
    inventory), ``environment`` from host_request.known_environment, and ``hints`` (see there).
    """
    cards = _all_cards(gpus)
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


def tune(
    models: list[dict[str, Any]], gpus: list[dict[str, Any]], data_dir: Path
) -> list[dict[str, Any]]:
    """Return the launcher options of each model of :func:`check_plan`, with those of its profile.

    What the user wrote wins. See planner.tuning.
    """
    cards = _all_cards(gpus)
    found = []
    for model in models:
        own, hints = _cards_of(model, cards), model["hints"]
        source = find_config(model, data_dir)
        case = None
        if own and len(own) == model["num_shard"] and source.config is not None:
            smallest = min(own, key=lambda card: card.memory_mib or 0)
            first = own[0]._replace(memory_mib=smallest.memory_mib)
            dims = read_dimensions(source.config)
            case = Case(source.config, dims, source.file_bytes, memory_options(model), first)
        profile, advised = str(hints.get("profile") or ""), hints.get("max_total_tokens")
        chosen = tuned_options(case, profile, advised, hints.get("chunks") is True)
        found.append({**chosen, **model["options"]})
    return found


def _all_cards(gpus: list[dict[str, Any]]) -> list[Card]:
    return [
        Card(gpu["index"], gpu["name"], gpu["memory_mib"], _capability(gpu), gpu["uuid"])
        for gpu in gpus
    ]


def _cards_of(model: Mapping[str, Any], cards: list[Card]) -> list[Card]:
    named = {gpu.lower() for gpu in model["gpus"]}
    return [card for card in cards if named & {str(card.number), card.uuid.lower()}]


def find_config(model: Mapping[str, Any], data_dir: Path) -> Source:
    """Find config.json where TGI keeps it below its /data, or what the catalogue says of it."""
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
    return source_of(None, model["hints"])


def _capability(gpu: Mapping[str, Any]) -> float | None:
    try:
        return float(gpu["compute_cap"])
    except (TypeError, ValueError):
        return None
