"""From the list a user writes (``tgi_models``) to the models as every role deploys them."""

from __future__ import annotations

import itertools
from typing import Any

from ..common.places import DEFAULT_BASE_PORT, compose_project
from ..engines.tgi.options import OPTIONS, coerce

# No machine has more; a typing error in num_shard must not keep the controller counting
MOST_GPUS = 64


def resolve_models(
    models: Any, base_port: Any = DEFAULT_BASE_PORT, kept: Any = None
) -> list[dict[str, Any]]:
    """Fill in what the user left out, always in the same way.

    Each entry has: name, model_id, revision (str or None), aliases (list), port (int),
    url (str, where the host itself reaches it), project (str, its Compose project's name,
    in which Compose allows no dots),
    gpus (list of index strings or UUIDs; [] is CPU), num_shard (int), default (bool, true
    for the first), options (launcher options that were set, in their own types; num_shard
    is not repeated there) and environment (dict of str).

    ``kept`` says what deployed models have: name -> {port (int), gpus (list of str)}. They
    keep it unless they, or another model of the list, name it themselves, so that a model
    more or less moves no other. Other ports are ``base_port`` + the place in the list, or
    the lowest free one from ``base_port`` on. Other models that name no ``gpus`` take the
    lowest indices that no model has, ``num_shard`` of them each (default 1), in order.

    Never raises: entries that are no mapping are passed over and wrong values fall back to
    what is likely, because the preflight is what reports them.
    """
    entries = [
        (place, model)
        for place, model in enumerate(models if isinstance(models, list) else [])
        if isinstance(model, dict)
    ]
    ports = _ports(entries, _integer(base_port, DEFAULT_BASE_PORT), kept)
    cards = _cards([model for _, model in entries], kept)
    resolved: list[dict[str, Any]] = []
    for (_, model), port, gpus in zip(entries, ports, cards):
        shards = _integer(model.get("num_shard"), 0)
        resolved.append(
            {
                "name": _text(model.get("name")),
                "model_id": _text(model.get("model_id")),
                "revision": _text(model.get("revision")) or None,
                "aliases": _texts(model.get("aliases")),
                "port": port,
                "url": f"http://127.0.0.1:{port}",
                "project": compose_project(_text(model.get("name"))),
                "gpus": gpus,
                "num_shard": shards if shards > 0 else max(len(gpus), 1),
                "default": not resolved,
                "options": _options(model),
                "environment": _environment(model.get("environment")),
            }
        )
    return resolved


def _kept(model: dict[Any, Any], kept: Any) -> dict[Any, Any]:
    found = kept.get(_text(model.get("name"))) if isinstance(kept, dict) else None
    return found if isinstance(found, dict) else {}


def _ports(entries: list[tuple[int, dict[Any, Any]]], base: int, kept: Any) -> list[int]:
    ports = {place: _integer(model.get("port"), 0) for place, model in entries}
    taken = {port for port in ports.values() if port}
    for wanted in ("kept", "place"):
        for place, model in entries:
            port = _integer(_kept(model, kept).get("port"), 0) if wanted == "kept" else base + place
            if ports[place] or (wanted == "kept" and (not port or port in taken)):
                continue
            if port in taken:
                port = next(free for free in itertools.count(base) if free not in taken)
            ports[place] = port
            taken.add(port)
    return list(ports.values())


def _cards(models: list[dict[Any, Any]], kept: Any) -> list[list[str]]:
    """Give the GPUs of each model: those it names, those it has, then the lowest free ones."""
    cards = [_texts(model.get("gpus")) for model in models]
    taken = {gpu for named in cards for gpu in named}
    wanted = [
        min(max(_integer(model.get("num_shard"), 0), 1), MOST_GPUS)
        if model.get("gpus") is None
        else 0
        for model in models
    ]
    for model, own, count in zip(models, cards, wanted):
        still = [gpu for gpu in _texts(_kept(model, kept).get("gpus")) if gpu not in taken]
        own += still[:count]
        taken.update(own)
    for own, count in zip(cards, wanted):
        if count:
            own += _lowest_free(taken, count - len(own))
            taken.update(own)
    return cards


def _lowest_free(taken: set[str], wanted: int) -> list[str]:
    free: list[str] = []
    index = 0
    while len(free) < wanted:
        if str(index) not in taken:
            free.append(str(index))
        index += 1
    return free


def _options(model: dict[Any, Any]) -> dict[str, Any]:
    return {
        name: coerce(name, model[name])
        for name in OPTIONS
        if name != "num_shard" and model.get(name) not in (None, "")
    }


def _environment(value: Any) -> dict[str, str]:
    if not isinstance(value, dict):
        return {}
    return {str(key): _text(item) for key, item in value.items() if item is not None}


def _text(value: Any) -> str:
    if value is None or isinstance(value, (list, dict)):
        return ""
    # The launcher and the shell tools in the image know the words in small letters only
    return str(value).lower() if isinstance(value, bool) else str(value).strip()


def _texts(value: Any) -> list[str]:
    if value is None or isinstance(value, dict):
        return []
    items = value if isinstance(value, list) else str(value).split(",")
    return [text for text in (_text(item) for item in items) if text]


def _integer(value: Any, otherwise: int) -> int:
    if isinstance(value, bool):
        return otherwise
    try:
        return int(str(value))
    except ValueError:
        return otherwise
