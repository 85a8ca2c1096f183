"""The plan of a host's models on its GPUs: for each, whether it fits and what TGI will take."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

from ..common.problem import problem
from ..models.resolve import resolve_models
from . import plan_messages
from .advice import Advice, advise
from .fit import Fit, fit, verdict
from .gpu_table import Card
from .model_config import read_dimensions
from .sources import Source, read_source
from .workload import Case, memory_options, shard_choices

_MOST_GPUS = 16


class Plan(NamedTuple):
    """One model's plan; ``fits`` is yes, tight, no, unknown, or cpu (nothing to plan)."""

    name: str
    model_id: str
    where: str
    fits: str
    cards: list[Card]
    num_shard: int
    num_shard_choices: list[int]
    gpus_needed: int | None
    fit: Fit | None
    problems: list[str]
    warnings: list[str]
    advice: list[Advice]


def plan_models(
    models: Any,
    cards: list[Card],
    configs: Mapping[str, Any] | None = None,
    environment: Mapping[str, Any] | None = None,
) -> list[Plan]:
    """Plan the entries of tgi_models; ``environment`` is tgi_environment.

    ``configs`` has a config.json by the name of a model, in a form that read_source takes;
    models of the catalogue have theirs in ``catalogue`` (catalogue.expand).
    """
    entries = [(place, one) for place, one in enumerate(_list(models)) if isinstance(one, dict)]
    plans: list[Plan] = []
    owners: dict[int, str] = {}
    for (place, entry), model in zip(entries, resolve_models([one for _, one in entries])):
        given = entry.get("config")
        if given is None:
            given = (configs or {}).get(model["name"])
        source = source_of(given, entry.get("catalogue"))
        model["environment"] = {**(environment or {}), **model["environment"]}
        plans.append(plan_model(model, f"tgi_models[{place}]", source, cards, owners))
    return plans


def source_of(given: Any, catalogue: Any = None) -> Source:
    """Return the config.json that is named, or what the catalogue knows of it."""
    if given is None and isinstance(catalogue, Mapping):
        given = catalogue.get("config")
    if given is None:
        return Source(None, None, "has no config.json")
    return read_source(given)


def plan_model(
    model: Mapping[str, Any],
    where: str,
    source: Source,
    cards: list[Card],
    owners: dict[int, str],
) -> Plan:
    """Plan one entry of models.resolve_models.

    ``owners`` maps a card's index to its model; this function adds to it. Two models must not
    share a card, because TGI takes all memory that it finds free.
    """
    options = memory_options(model)
    dims = read_dimensions(source.config or {})
    choices = shard_choices(dims, options.quantize, _MOST_GPUS) if source.config else []
    plan = Plan(
        name=model["name"],
        model_id=model["model_id"],
        where=where,
        fits="unknown",
        cards=[],
        num_shard=options.num_shard,
        num_shard_choices=choices,
        gpus_needed=None,
        fit=None,
        problems=[],
        warnings=[],
        advice=[],
    )
    if not model["gpus"]:
        return plan._replace(fits="cpu")
    chosen, problems = _choose(model["gpus"], where, cards, owners, model["name"])
    if len(chosen) < options.num_shard and not problems:
        what = f"has {len(chosen)}, but num_shard is {options.num_shard}"
        problems.append(problem(f"{where}.gpus", what, "write as many GPUs, or delete gpus"))
    # TGI uses no more than num_shard; without these GPUs the plan uses the first one
    used = chosen[: options.num_shard] or cards[:1]
    plan = plan._replace(cards=chosen, problems=problems)
    if source.config is None or not used:
        for card in used[:1]:
            problems += plan_messages.unsuited(options.quantize, where, card)
        remedy = "name its config.json in plan_configs"
        unknown = [f"{where} {source.problem}; {remedy}"] if source.problem else []
        return plan._replace(fits="no" if problems else "unknown", warnings=unknown)
    smallest = min(used, key=lambda card: card.memory_mib or 0)
    first = min(used, key=lambda card: card.number)._replace(memory_mib=smallest.memory_mib)
    case = Case(source.config, dims, source.file_bytes, options, first)
    found = verdict(case)
    shown = fit(case)
    free = [card for card in cards if card.name == first.name and card.number not in owners]
    advice = advise(case, len(free) + len(chosen)) if found in ("no", "tight") else []
    larger = _larger(case, [card for card in cards if card in chosen or card.number not in owners])
    name = smallest.name if len({card.name for card in used}) > 1 else ""
    problems += plan_messages.problems(case, where, found, advice, larger, name)
    return plan._replace(
        fits="no" if problems else found,
        gpus_needed=_least_gpus(case, choices),
        fit=shown,
        warnings=plan_messages.warnings(case, where, chosen or used, shown, found),
        advice=advice,
    )


def _choose(
    gpus: list[str], where: str, cards: list[Card], owners: dict[int, str], name: str
) -> tuple[list[Card], list[str]]:
    chosen: list[Card] = []
    problems: list[str] = []
    for gpu in gpus:
        same = [one for one in cards if gpu.lower() in (str(one.number), one.uuid.lower())]
        if not same and gpu.startswith("GPU-"):
            # The cards of a plan have no UUIDs: any of those that are left stands for it
            same = [one for one in cards if not one.uuid and one.number not in owners]
        if not same:
            what = f"needs GPU {gpu}, but the host has {len(cards)}"
            problems.append(problem(where, what, "use more GPUs, or fewer models"))
            break
        owner = owners.setdefault(same[0].number, name)
        if owner != name:
            what = f"needs GPU {gpu}, which {owner} uses"
            problems.append(problem(where, what, "give each model GPUs of its own"))
            break
        chosen.append(same[0])
    return chosen, problems


def _larger(case: Case, cards: list[Card]) -> list[Card]:
    """Return GPUs of the host on which it fits, as few as there are: the largest ones."""
    by_size = sorted(cards, key=lambda card: (-(card.memory_mib or 0), card.number))
    for count in shard_choices(case.dims, case.options.quantize, len(by_size)):
        taken = by_size[:count]
        options = case.options._replace(num_shard=count)
        if verdict(case._replace(options=options, card=taken[-1])) == "yes":
            return taken
    return []


def _least_gpus(case: Case, choices: list[int]) -> int | None:
    for count in choices:
        if verdict(case._replace(options=case.options._replace(num_shard=count))) == "yes":
            return count
    return None


def _list(models: Any) -> list[Any]:
    return models if isinstance(models, list) else []
