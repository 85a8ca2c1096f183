"""Turn the user's list (``tgi_models``) into the models as the roles deploy them.

:func:`normalise` needs the inventory only; :func:`assign` needs what the host keeps. The preflight
runs each once, and all others read its result, the fact ``ansible_facts.tgi_host.models``.
"""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from typing import Any

from ..common.places import DEFAULT_BASE_PORT, compose_project, compose_projects
from ..engines.tgi.options import OPTIONS, coerce

# No machine has more; a typing error in num_shard must not keep the controller counting
MOST_GPUS = 64


def resolve_models(
    models: Any, base_port: Any = DEFAULT_BASE_PORT, kept: Any = None
) -> list[dict[str, Any]]:
    """Return :func:`assign` of :func:`normalise`, for callers that have no fact to read."""
    return assign(normalise(models), base_port, kept)


def normalise(models: Any) -> list[dict[str, Any]]:
    """Return the entries of ``tgi_models`` in one shape, with what the user left open as None.

    Each entry has: place (int, its place in the list), name, model_id, revision (str or None),
    aliases (list), port (int or None), gpus (list of str or None), num_shard (int, 0 if not
    written), options (launcher options that were set, in their own types; num_shard is not
    repeated there), environment (dict of str), hf_token (bool, whether it gets tgi_hf_token),
    repositories (list, what else it reads from the Hub), accept_downtime (bool or None),
    strategy and weights (str or None), and what the catalogue says (catalogue.expand): catalogue
    (str, the entry's name or ""), chat and tools (bool or None, whether it has a template for
    them), pickle (bool, accepted weights in it).

    Never raises: entries that are not mappings are left out, and wrong values become likely
    ones, because the preflight reports them.
    """
    entries = models if isinstance(models, list) else []
    return [
        {
            "place": place,
            "name": _text(model.get("name")),
            "model_id": _text(model.get("model_id")),
            "revision": _text(model.get("revision")) or None,
            "aliases": _texts(model.get("aliases")),
            "accept_downtime": _boolean(model.get("accept_downtime")),
            "strategy": _text(model.get("strategy")) or None,
            "weights": _text(model.get("weights")) or None,
            "port": _integer(model.get("port"), 0) or None,
            "gpus": None if model.get("gpus") is None else _texts(model["gpus"]),
            "num_shard": max(_integer(model.get("num_shard"), 0), 0),
            "options": _options(model),
            "environment": _environment(model.get("environment")),
            "hf_token": model.get("hf_token") is True,
            "repositories": _texts(model.get("repositories")),
            **_known(model),
        }
        for place, model in enumerate(entries)
        if isinstance(model, dict)
    ]


def assign(
    entries: Sequence[Mapping[str, Any]], base_port: Any = DEFAULT_BASE_PORT, kept: Any = None
) -> list[dict[str, Any]]:
    """Return the entries of :func:`normalise` with a port and GPUs for each.

    Each entry then has port (int), url (str, where the host itself reaches it), project (str,
    its Compose project's name, in which Compose allows no dots), gpus (list of index strings or
    UUIDs; [] is CPU), num_shard (int), default (bool, true for the first) and pinned (list: port,
    gpus, whichever the entry names itself). Place is gone.

    ``kept`` is what deployed models have: name -> {port (int), gpus (list of str), project}. They
    keep it unless they, or another model of the list, name it themselves. So one model more or less
    moves no other. Other ports are ``base_port`` + the place in the list, or the lowest free
    one from ``base_port`` on. Other models that name no GPUs take the lowest indices that no
    model has, ``num_shard`` of them each (default 1), in order.
    """
    ports = _ports(entries, _integer(base_port, DEFAULT_BASE_PORT), kept)
    cards = _cards(entries, kept)
    return [
        {
            **{key: value for key, value in entry.items() if key != "place"},
            "port": port,
            "url": f"http://127.0.0.1:{port}",
            "project": _project(entry, kept),
            "gpus": gpus,
            "num_shard": entry["num_shard"] or max(len(gpus), 1),
            "default": number == 0,
            "pinned": [key for key in ("port", "gpus") if entry[key] is not None],
        }
        for number, (entry, port, gpus) in enumerate(zip(entries, ports, cards))
    ]


def _kept(entry: Mapping[str, Any], kept: Any) -> Mapping[str, Any]:
    found = kept.get(entry["name"]) if isinstance(kept, Mapping) else None
    return found if isinstance(found, Mapping) else {}


def _project(entry: Mapping[str, Any], kept: Any) -> str:
    """Return the project that a model has, if that is one of its two."""
    name, found = entry["name"], _kept(entry, kept).get("project")
    return str(found) if found in compose_projects(name) else compose_project(name)


def _ports(entries: Sequence[Mapping[str, Any]], base: int, kept: Any) -> list[int]:
    ports: dict[int, int] = {entry["place"]: entry["port"] or 0 for entry in entries}
    taken = {port for port in ports.values() if port}
    for wanted in ("kept", "place"):
        for entry in entries:
            place = entry["place"]
            port = _integer(_kept(entry, kept).get("port"), 0) if wanted == "kept" else base + place
            if ports[place] or (wanted == "kept" and (not port or port in taken)):
                continue
            if port in taken:
                port = next(free for free in itertools.count(base) if free not in taken)
            ports[place] = port
            taken.add(port)
    return list(ports.values())


def _cards(entries: Sequence[Mapping[str, Any]], kept: Any) -> list[list[str]]:
    """Return the GPUs of each model: those it names, those it has, then the lowest free ones."""
    cards = [list(entry["gpus"] or []) for entry in entries]
    taken = {gpu for named in cards for gpu in named}
    wanted = [
        min(max(entry["num_shard"], 1), MOST_GPUS) if entry["gpus"] is None else 0
        for entry in entries
    ]
    for entry, own, count in zip(entries, cards, wanted):
        still = [gpu for gpu in _texts(_kept(entry, kept).get("gpus")) if gpu not in taken]
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


def _known(model: dict[Any, Any]) -> dict[str, Any]:
    found = model.get("catalogue")
    said = found if isinstance(found, dict) else {}
    return {
        "catalogue": _text(said.get("name")),
        "chat": _boolean(said.get("chat")),
        "tools": _boolean(said.get("tools")),
        # Of a model that the catalogue does not know, only the list of the Hub says
        "pickle": said.get("pickle") is not False and model.get("accept_pickle") is True,
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


def _boolean(value: Any) -> bool | None:
    return value if isinstance(value, bool) else None


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
