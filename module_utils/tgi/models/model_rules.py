"""Check tgi_models: each model, and the models of one host together."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from ..common.data_paths import check_data_path
from ..common.places import DEFAULT_BASE_PORT, compose_project
from ..common.problem import UNKNOWN, problem, shown, whole
from ..engines.tgi.environment_rules import check_environment
from ..engines.tgi.option_rules import check_launcher
from .host_weights import is_commit
from .resolve import normalise

NAME = re.compile(r"[a-z0-9][a-z0-9._-]*")
ALIAS = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:/-]*")
_HUB_ID = re.compile(r"\w[\w.-]*/\w[\w.-]*", re.ASCII)
_GPU = re.compile(r"[0-9]+|(?:GPU|MIG)-[0-9a-fA-F][0-9a-fA-F-]*")
_IMAGE = re.compile(r"[^\s@]+@sha256:[0-9a-f]{64}")
#: By this name clients always get the first model
DEFAULT_ALIAS = "tgi"


def check_models(values: Mapping[str, Any]) -> list[str]:
    """Return the problems of tgi_models, tgi_image and tgi_environment, a line each."""
    models = values.get("tgi_models")
    found = list(_check_image(values.get("tgi_image")))
    found += check_environment(values.get("tgi_environment"), "tgi_environment")
    if not isinstance(models, list):
        return found
    if not models:
        found.append(problem("tgi_models", "is empty", "write at least one model"))
    for place, model in enumerate(models):
        if isinstance(model, dict):
            where = f"tgi_models[{place}]"
            found += _check_identity(model, where)
            found += check_launcher(model, where, values.get("tgi_version"))
    found += _check_names(models)
    found += _check_projects(models)
    found += _check_ports(values)
    found += _check_gpus(models)
    return found


def _check_image(image: Any) -> Iterator[str]:
    if isinstance(image, str) and image and not _IMAGE.fullmatch(image):
        remedy = "write name@sha256:<64 hex digits>, as docker buildx imagetools inspect prints it"
        yield problem("tgi_image", f"is {shown(image)}, without a valid digest", remedy)


def _check_identity(model: dict[Any, Any], where: str) -> Iterator[str]:
    name, model_id, revision = (model.get(key) for key in ("name", "model_id", "revision"))
    if isinstance(name, str) and not NAME.fullmatch(name):
        remedy = "write lower-case letters, digits, dots, dashes and underscores only"
        yield problem(f"{where}.name", f"is {shown(name)}, not a valid name", remedy)
    if not isinstance(model_id, str) or not model_id:
        return
    local = model_id.startswith("/")
    if local:
        yield from check_data_path(model_id, f"{where}.model_id")
    elif model_id.startswith("data/") and not revision:
        remedy = f"write /{model_id} for a directory in tgi_data_dir, or the revision for the Hub"
        yield problem(f"{where}.model_id", f"is {shown(model_id)}, without a revision", remedy)
        return
    elif not _HUB_ID.fullmatch(model_id):
        remedy = "write organisation/name, or a path under /data"
        yield problem(
            f"{where}.model_id", f"is {shown(model_id)}, not a repository on the Hub", remedy
        )
    others = model.get("repositories")
    for place, other in enumerate(others if isinstance(others, list) else []):
        if isinstance(other, str) and not _HUB_ID.fullmatch(other):
            path = f"{where}.repositories[{place}]"
            what = f"is {shown(other)}, not a repository on the Hub"
            yield problem(path, what, "write organisation/name")
    if revision is UNKNOWN:
        return
    if local and revision:
        remedy = "delete it: TGI would look for a path on the Hub"
        yield problem(f"{where}.revision", "is set for a local model", remedy)
    elif not local and not revision:
        remedy = "write the commit to deploy, 40 hex digits, so that every run deploys the same"
        yield problem(f"{where}.revision", "is missing", remedy)
    elif not local and not is_commit(str(revision)):
        remedy = "write a commit, 40 hex digits: branches and tags move"
        yield problem(f"{where}.revision", f"is {shown(revision)}, not a commit", remedy)


def _check_names(models: list[Any]) -> Iterator[str]:
    owners: dict[str, str] = {}
    for path, text in [*_texts(models, "name"), *_texts(models, "aliases")]:
        first = path.startswith("tgi_models[0].")
        if ".aliases" in path and not ALIAS.fullmatch(text):
            remedy = "write letters, digits and . _ : / - only"
            yield problem(path, f"is {shown(text)}, not a valid alias", remedy)
        if text == DEFAULT_ALIAS and not first:
            remedy = "write another, or move that model to the top of the list"
            yield problem(path, f'is "{text}", which always means the first model', remedy)
        elif text in owners:
            remedy = "write another: clients choose the model by this name"
            yield problem(path, f"is {shown(text)}, the same as {owners[text]}", remedy)
        owners.setdefault(text, path)


def _check_projects(models: list[Any]) -> Iterator[str]:
    """Refuse names that differ by dots only: Compose drops them and sees one project."""
    owners: dict[str, tuple[str, str]] = {}
    for path, name in _texts(models, "name"):
        owner, other = owners.setdefault(compose_project(name), (path, name))
        if other != name:
            remedy = "write another: Compose drops the dots, so both would be one project"
            yield problem(path, f"is {shown(name)}, the same as {owner} without dots", remedy)


def _texts(models: list[Any], key: str) -> Iterator[tuple[str, str]]:
    for place, model in enumerate(models):
        value = model.get(key) if isinstance(model, dict) else None
        if isinstance(value, str) and value:
            yield f"tgi_models[{place}].{key}", value
        for item_place, item in enumerate(value if isinstance(value, list) else []):
            if isinstance(item, str):
                yield f"tgi_models[{place}].{key}[{item_place}]", item


def ports_of_models(values: Mapping[str, Any]) -> Iterator[tuple[str, int]]:
    """Yield path and port of each model, as far as the inventory alone decides them.

    A model that names no port counts with tgi_base_port + its place in the list.
    """
    base = whole(values.get("tgi_base_port")) or DEFAULT_BASE_PORT
    for model in normalise(values.get("tgi_models")):
        port = base + model["place"] if model["port"] is None else model["port"]
        yield f"tgi_models[{model['place']}].port", port


def _check_ports(values: Mapping[str, Any]) -> Iterator[str]:
    owners: dict[int, str] = {}
    written = [model["port"] for model in normalise(values.get("tgi_models"))]
    for (path, port), own in zip(ports_of_models(values), written):
        if not 0 < port < 65536:
            yield problem(path, f"is {port}, not a valid port", "write one from 1 to 65535")
        elif own in owners:
            remedy = "write another; without one it is tgi_base_port and the place in the list"
            yield problem(path, f"is {port}, the same as {owners[own]}", remedy)
        elif own is not None:
            owners[own] = path


def _check_gpus(models: list[Any]) -> Iterator[str]:
    owners: dict[str, str] = {}
    for place, model in enumerate(models):
        if not isinstance(model, dict) or not isinstance(model.get("gpus"), list):
            continue
        where = f"tgi_models[{place}].gpus"
        gpus = [str(gpu) for gpu in model["gpus"] if isinstance(gpu, (str, int))]
        for gpu in gpus:
            if not _GPU.fullmatch(gpu):
                remedy = 'write an index such as "0", or a UUID such as "GPU-5f1c…" (nvidia-smi -L)'
                yield problem(where, f"has {shown(gpu)}, not a GPU", remedy)
            elif gpu in owners:
                remedy = "give each model GPUs of its own"
                yield problem(where, f'has GPU "{gpu}", which {owners[gpu]} has too', remedy)
            owners.setdefault(gpu, where)
        shards = whole(model.get("num_shard"))
        if shards is not None and shards != max(len(gpus), 1):
            remedy = f"write num_shard: {max(len(gpus), 1)}, or list as many GPUs as shards"
            what = f"is {shards}, but gpus lists {len(gpus)}"
            yield problem(f"tgi_models[{place}].num_shard", what, remedy)
