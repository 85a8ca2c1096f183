"""From the list a user writes (``tgi_models``) to the models as every role deploys them."""

from __future__ import annotations

from typing import Any

from .launcher_options import OPTIONS, coerce

DEFAULT_BASE_PORT = 8081
# No machine has more; a typing error in num_shard must not keep the controller counting
MOST_GPUS = 64


def resolve_models(models: Any, base_port: Any = DEFAULT_BASE_PORT) -> list[dict[str, Any]]:
    """Fill in what the user left out, always in the same way.

    Each entry has: name, model_id, revision (str or None), aliases (list), port (int),
    url (str, where the host itself reaches it), project (str, its Compose project's name,
    in which Compose allows no dots),
    gpus (list of index strings or UUIDs; [] is CPU), num_shard (int), default (bool, true
    for the first), options (launcher options that were set, in their own types; num_shard
    is not repeated there) and environment (dict of str).

    Ports are ``base_port`` + the place in the list. Models that name no ``gpus`` take the
    lowest indices that no model names, ``num_shard`` of them each (default 1), in order.

    Never raises: entries that are no mapping are passed over and wrong values fall back to
    what is likely, because the preflight is what reports them.
    """
    entries = [
        (place, model)
        for place, model in enumerate(models if isinstance(models, list) else [])
        if isinstance(model, dict)
    ]
    taken = {gpu for _, model in entries for gpu in _texts(model.get("gpus"))}
    resolved: list[dict[str, Any]] = []
    for place, model in entries:
        shards = _integer(model.get("num_shard"), 0)
        gpus = _texts(model.get("gpus"))
        if model.get("gpus") is None:
            gpus = _lowest_free(taken, min(max(shards, 1), MOST_GPUS))
            taken.update(gpus)
        port = _integer(model.get("port"), _integer(base_port, DEFAULT_BASE_PORT) + place)
        resolved.append(
            {
                "name": _text(model.get("name")),
                "model_id": _text(model.get("model_id")),
                "revision": _text(model.get("revision")) or None,
                "aliases": _texts(model.get("aliases")),
                "port": port,
                "url": f"http://127.0.0.1:{port}",
                "project": "tgi-" + _text(model.get("name")).replace(".", ""),
                "gpus": gpus,
                "num_shard": shards if shards > 0 else max(len(gpus), 1),
                "default": not resolved,
                "options": _options(model),
                "environment": _environment(model.get("environment")),
            }
        )
    return resolved


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
