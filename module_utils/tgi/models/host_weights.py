"""Say which models' weights the host fetches before a start, so that their containers need no Hub.

With tgi_weights: host, the module hf_snapshot fetches them, and TGI serves with HF_HUB_OFFLINE.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Collection, Iterable, Iterator, Mapping
from typing import Any

from ..common.data_paths import is_in_data
from .hub_cache import repository_paths

HOST = "host"
#: The cache of TGI's CUDA image; the host must know it before a container has said it
CACHE = "/data/hub"


def is_fetched(model: Mapping[str, Any], weights: str) -> bool:
    """Return whether the host fetches a model of models.resolve.

    ``weights`` is tgi_weights, over which the model's own goes.
    """
    return (model.get("weights") or weights) == HOST and not str(model["model_id"]).startswith("/")


def offline_environment(values: Mapping[str, Any]) -> dict[str, str]:
    """Return what a container gets besides ``values``, its environment."""
    placed = values.get("HUGGINGFACE_HUB_CACHE") or values.get("HF_HOME")
    return {"HF_HUB_OFFLINE": "1", **({} if placed else {"HUGGINGFACE_HUB_CACHE": CACHE})}


def adapters(model: Mapping[str, Any]) -> list[str]:
    """Return the LoRA adapters that come from the Hub, as ``org/name`` or ``org/name@COMMIT``."""
    return [str(one) for one in model["options"].get("lora_adapters", []) if "=" not in str(one)]


def host_snapshots(
    models: Iterable[Mapping[str, Any]],
    environments: Mapping[str, Mapping[str, str]],
    data_dir: str,
    starting: Collection[str],
    verify: str,
) -> list[dict[str, Any]]:
    """Return what hf_snapshot is to fetch: {cache_dir, snapshots} for each cache.

    ``models`` are those that the host fetches. Models of ``starting`` are proven as ``verify``
    says, which is tgi_verify_weights; "start" means nothing for those that only run on. There is no
    token in it: Ansible prints what a task loops over.
    """
    found: dict[str, list[dict[str, Any]]] = {}
    for model in models:
        path = repository_paths(model["model_id"], environments[model["name"]], True)[0]
        cache = posixpath.dirname(path)
        inside = cache[len("/data") :] if is_in_data(cache) else ""
        wanted = "once" if verify == "start" and model["name"] not in starting else verify
        found.setdefault(f"{data_dir.rstrip('/')}{inside}", []).extend(_snapshots(model, wanted))
    return [{"cache_dir": cache, "snapshots": wanted} for cache, wanted in found.items()]


def mirrored_snapshots(models: Iterable[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Return what a mirror of the Hub has for models of models.resolve, each commit once.

    Hosts and containers may both fetch from a mirror. What names no commit is left out.
    """
    found: dict[tuple[str, str], dict[str, Any]] = {}
    for model in models:
        for one in [] if str(model["model_id"]).startswith("/") else _snapshots(model, "once"):
            if is_commit(one["revision"]):
                known = found.setdefault((one["repository"], one["revision"]), one)
                for flag in ("code", "pickle", "hf_token"):
                    known[flag] = known[flag] or one[flag]
    return list(found.values())


def is_commit(revision: str | None) -> bool:
    """Return whether a revision is a commit: a branch may move, and nothing could prove it."""
    return bool(re.fullmatch(r"[0-9a-f]{40}", revision or ""))


def hub_proxies(environment: Mapping[str, Any]) -> dict[str, str]:
    """Return the proxies of tgi_environment, by names in lower case."""
    names = ("http_proxy", "https_proxy", "no_proxy")
    return {
        str(name).lower(): str(value)
        for name, value in environment.items()
        if str(name).lower() in names and value
    }


def _snapshots(model: Mapping[str, Any], verify: str) -> Iterator[dict[str, Any]]:
    """Yield what hf_snapshot is to fetch for a model: its repository and its adapters."""
    options = model["options"]
    for repository, revision in [
        (model["model_id"], model["revision"]),
        *map(_parts, adapters(model)),
    ]:
        yield {
            "repository": repository,
            "revision": revision,
            "code": options.get("trust_remote_code") is True,
            "pickle": model.get("pickle") is True,
            "hf_token": model["hf_token"],
            "verify": verify,
        }


def _parts(adapter: str) -> tuple[str, str]:
    repository, _, revision = adapter.partition("@")
    return repository, revision
