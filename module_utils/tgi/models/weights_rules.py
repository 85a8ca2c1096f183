"""Check what tgi_weights: host needs: a commit of everything, since a container asks no Hub."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from ..common.data_paths import is_in_data
from ..common.problem import problem, shown
from .host_weights import HOST, adapters, is_commit, is_fetched
from .resolve import normalise

_CONTAINER = "or leave the fetching to the container with weights: container"


def check_weights(values: Mapping[str, Any]) -> Iterator[str]:
    """Yield what the host could not fetch, and settings that contradict it."""
    mirror = values.get("tgi_hub_mirror")
    if isinstance(mirror, str) and mirror and not re.match(r"/|https?://[^/]", mirror):
        remedy = "write a directory on the hosts, or https://HOST of a server"
        yield problem("tgi_hub_mirror", f"is {shown(mirror)}, neither", remedy)
    models = normalise(values.get("tgi_models"))
    models = [one for one in models if (one["weights"] or values.get("tgi_weights")) == HOST]
    common = values.get("tgi_environment")
    places = [("tgi_environment", common if models and isinstance(common, dict) else {})]
    for model in models:
        where = f"tgi_models[{model['place']}]"
        places.append((f"{where}.environment", model["environment"]))
        if is_fetched(model, HOST):
            yield from _check_model(model, where)
    for where, environment in places:
        if "HF_HUB_OFFLINE" in environment:
            what = "is set, which tgi_weights: host does itself"
            yield problem(f"{where}.HF_HUB_OFFLINE", what, "delete it")
        if environment.get("WEIGHTS_CACHE_OVERRIDE"):
            what = "is set, and TGI would not read what the host fetches"
            yield problem(f"{where}.WEIGHTS_CACHE_OVERRIDE", what, f"delete it, {_CONTAINER}")
        for name in ("HF_HOME", "HUGGINGFACE_HUB_CACHE"):
            path = str(environment.get(name) or "/data")
            if not is_in_data(path):
                what = f"is {shown(path)}, which the host cannot fill"
                yield problem(f"{where}.{name}", what, f"write a path under /data, {_CONTAINER}")


def _check_model(model: Mapping[str, Any], where: str) -> Iterator[str]:
    if not is_commit(model["revision"]):
        what = f"is {shown(model['revision'])}, and the host fetches commits only"
        yield problem(f"{where}.revision", what, "write 40 hex digits")
    if model["repositories"]:
        what = f"names {', '.join(model['repositories'])} without a commit for the host to fetch"
        remedy = "leave the fetching to its container with weights: container"
        yield problem(f"{where}.repositories", what, remedy)
    for adapter in adapters(model):
        if not is_commit(adapter.partition("@")[2]):
            what = f"has {shown(adapter)}, without a commit for the host to fetch"
            remedy = f"write {adapter.partition('@')[0]}@COMMIT, {_CONTAINER}"
            yield problem(f"{where}.lora_adapters", what, remedy)
