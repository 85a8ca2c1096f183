"""Write into the entries of tgi_models what the catalogue knows of them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from .entries import CatalogueEntry, find_entry, read_catalogue


def expand_models(models: Any, site: Any = None) -> Any:
    """Return ``models`` (tgi_models) with the fields that the user left to the catalogue.

    ``site`` is tgi_catalogue. What the user wrote always wins. An entry of the catalogue is found
    by ``model``, else by ``model_id``, else by ``name``. Such a model then has model_id, revision
    and ``catalogue``: name, config (see CatalogueEntry), gated, chat, tools, pickle (bool or None),
    chunks (whether TGI cuts its prompts into chunks) and max_total_tokens, if it advises a limit.
    Other models, and what is no list, stay as they are.
    """
    if not isinstance(models, list):
        return models
    entries: list[CatalogueEntry] = []
    found = []
    for model in models:
        if isinstance(model, Mapping):
            entries = entries or read_catalogue(site)
            entry = entry_of(model, entries)
            found.append(_expanded(model, entry) if entry else model)
        else:
            found.append(model)
    return found


def entry_of(model: Mapping[Any, Any], entries: list[CatalogueEntry]) -> CatalogueEntry | None:
    """Return the entry that a model of tgi_models names, or None."""
    for key in ("model", "model_id", "name"):
        if model.get(key):
            # A short name is none of a repository: model_id is written as on the Hub
            wanted = model[key]
            return find_entry(wanted, entries) if key != "model_id" or "/" in str(wanted) else None
    return None


def is_from_hub(model: Mapping[Any, Any], entry: CatalogueEntry) -> bool:
    """Return whether a model has the entry's own repository, and no copy or fine-tune of it."""
    model_id = str(model.get("model_id") or entry.id)
    return model_id.lower() in {one.lower() for one in entry.ids}


def _expanded(model: Mapping[Any, Any], entry: CatalogueEntry) -> dict[Any, Any]:
    fields = entry.fields
    hub = is_from_hub(model, entry)
    chat = fields["chat"]
    given: dict[Any, Any] = {key: value for key, value in model.items() if value not in (None, "")}
    own: dict[str, Any] = {"model_id": entry.id}
    if hub and fields["revision"]:
        own["revision"] = fields["revision"]
    known = {
        "name": entry.name,
        "config": entry.config,
        "gated": fields["licence"]["gated"] if hub else None,
        "chat": chat["template"],
        "tools": chat["tools"],
        "pickle": hub and fields["weights"]["format"] == "pickle",
        # Models that read images get whole prompts, and so may those that transformers runs
        "chunks": fields["tgi"]["level"] == "native"
        and "vision_config" not in (entry.config or {}),
        "max_total_tokens": (fields.get("limits") or {}).get("max_total_tokens"),
    }
    return {**own, **given, "catalogue": known}
