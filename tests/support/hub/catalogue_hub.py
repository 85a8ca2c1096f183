"""Repositories as the Hub has those of the catalogue, with bytes that stand for weights."""

from __future__ import annotations

import json

from ansible.module_utils.tgi.catalogue.entries import CatalogueEntry

from tests.support.hub.local_hub import Content, HubRepository
from tests.support.hub.weight_sites import random_bytes

#: Where the catalogue does not know how many there are
_SHARDS = 2


def repository_of(entry: CatalogueEntry, *readers: str) -> HubRepository:
    """Return a repository with all that TGI reads of this one, and the usual files besides."""
    fields = entry.fields
    weights = fields["weights"]
    count = min(weights.get("shards") or _SHARDS, 3)
    stem, ending = ("pytorch_model", "bin") if is_pickle(entry) else ("model", "safetensors")
    names = [f"{stem}-{one:05}-of-{count:05}.{ending}" for one in range(1, count + 1)]
    index = {"weight_map": {f"t{place}": name for place, name in enumerate(names)}}
    config = {key: value for key, value in (fields["config"] or {}).items() if value is not None}
    said = {} if fields["chat"]["template"] is False else {"chat_template": "{{ messages }}"}
    files: dict[str, Content] = {
        "config.json": json.dumps(config).encode(),
        "generation_config.json": b"{}",
        "tokenizer.json": random_bytes(20_000, len(entry.name)),
        "tokenizer_config.json": json.dumps(said).encode(),
        f"{stem}.{ending}.index.json": json.dumps(index).encode(),
        "README.md": b"# A model\n",
        "consolidated.00.pth": b"the same again",
        "original/consolidated.00.pth": b"the same again",
    }
    for place, name in enumerate(names):
        files[name] = random_bytes(100_000, 31 * len(entry.id) + place)
    if not is_pickle(entry):
        files |= {"pytorch_model.bin": b"the same again", "consolidated.safetensors": b"again"}
    gated = fields["licence"]["gated"] is True
    return HubRepository(fields["revision"], files, gated=gated, readers=set(readers))


def is_pickle(entry: CatalogueEntry) -> bool:
    """Return whether its weights are pickles."""
    return bool(entry.fields["weights"]["format"] == "pickle")
