"""Check the files on the host without which TGI starts, but serves not as asked or not at all."""

from __future__ import annotations

import json
import posixpath
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from ..common.files import read
from ..common.places import OWN_DATA
from ..common.problem import problem, shown
from ..models import hub_cache
from ..models.mounts import local_paths
from .local_files import check_local

_NO_TEMPLATE = "because TGI would serve without a chat template"


class HostFiles:
    """Checks models of models.resolve.assign, with ``variable`` and ``environment``.

    ``root`` is where the host's files are found, ``data_dir`` what containers see as /data.
    """

    def __init__(self, root: Path, data_dir: str, read_only_data: str) -> None:
        self._root = root
        self._data = data_dir.rstrip("/")
        self._read_only = read_only_data

    def check(self, model: Mapping[str, Any]) -> Iterator[str]:
        """Yield the problems of one model."""
        yield from self._check_tokenizer(model)
        yield from self._check_token(model)
        yield from self._check_local(model)
        yield from self._check_base(model)
        environment = model["environment"]
        offline = hub_cache.is_offline(environment)
        # "always" asks for nothing on the host that the host fetches
        sealed = self._read_only == "always" and not model["fetched"]
        fetches = not offline and not sealed
        local = model["model_id"].startswith("/") or not model["revision"]
        if fetches or local or environment.get("WEIGHTS_CACHE_OVERRIDE"):
            return
        places = self._caches(model, model["model_id"])
        has = [one for one in places if model["revision"] in hub_cache.snapshots(self._path(one))]
        for place in (has or places)[:1]:
            yield from self._check_cache(model, place, offline)

    def _check_token(self, model: Mapping[str, Any]) -> Iterator[str]:
        """Refuse a gated model without a token whose weights are not here yet."""
        if not model["lacks_token"] or model["hints"].get("gated") is not True:
            return
        places = [self._path(one) for one in self._caches(model, model["model_id"])]
        if not any(model["revision"] in hub_cache.snapshots(place) for place in places):
            what = f"is not set, but {model['model_id']} is gated"
            remedy = "accept its licence on the Hub, then write hf_token: true and tgi_hf_token"
            yield problem(f"{model['variable']}.hf_token", what, remedy)

    def _on_host(self, path: str) -> str:
        """Return the host's path of one in the container, "" where it is not below /data."""
        inside = posixpath.normpath(path)
        return f"{self._data}{inside[len('/data') :]}" if inside.startswith("/data/") else ""

    def _path(self, path: str) -> Path:
        return self._root / path.lstrip("/")

    def _check_local(self, model: Mapping[str, Any]) -> Iterator[str]:
        for path in local_paths(model, model["environment"]):
            if path != posixpath.normpath(model["options"].get("tokenizer_config_path") or "."):
                is_model, sealed = path == model["model_id"].rstrip("/"), self._read_only != "never"
                place = self._on_host(path)
                yield from check_local(
                    model["variable"], self._path(place), place, is_model, sealed
                )

    def _check_base(self, model: Mapping[str, Any]) -> Iterator[str]:
        """Name a base model that is in the Hub's cache, and that the container would not see."""
        known = [model["model_id"], *model["repositories"]]
        for repository in self._caches(model, model["model_id"]):
            snapshot = self._path(f"{repository}/snapshots/{model['revision']}")
            for file in ("config.json", "adapter_config.json"):
                base = _value(read(snapshot / file), "base_model_name_or_path")
                if base.startswith("/") or base in ("", *known) or not self._has_only(model, base):
                    continue
                what = f"does not name {base}, whose weights {model['model_id']} needs"
                remedy = f"write repositories: [{base}], or they are fetched again"
                yield problem(f"{model['variable']}.repositories", what, remedy)
                return

    def _caches(self, model: Mapping[str, Any], name: str) -> list[str]:
        if name.startswith("/"):
            return []
        paths = hub_cache.repository_paths(name, model["environment"], bool(model["gpus"]))
        return [place for place in map(self._on_host, paths) if place]

    def _has_only(self, model: Mapping[str, Any], name: str) -> bool:
        """Return whether tgi_data_dir has a repository, and the container has no copy."""
        own = f"{self._data}/{OWN_DATA}/{model['name']}"
        caches = self._caches(model, name)
        copies = [f"{own}{cache[len(self._data) :]}" for cache in caches]
        have, copied = (
            any(hub_cache.snapshots(self._path(one)) for one in places)
            for places in (caches, copies)
        )
        return have and not copied

    def _check_tokenizer(self, model: Mapping[str, Any]) -> Iterator[str]:
        written = model["options"].get("tokenizer_config_path")
        if not isinstance(written, str) or not written:
            return
        where, what = f"{model['variable']}.tokenizer_config_path", f"is {shown(written)}"
        path = self._on_host(written)
        if not path:
            return
        if not self._path(path).is_file():
            remedy = f"copy it there, {_NO_TEMPLATE}"
            yield problem(where, f"{what}, but the host has no file {path}", remedy)
        elif not _is_object(read(self._path(path))):
            remedy = f"repair it, {_NO_TEMPLATE}"
            yield problem(where, f"{what}, but {path} is not a JSON object", remedy)

    def _check_cache(
        self, model: Mapping[str, Any], repository: str, offline: bool
    ) -> Iterator[str]:
        where, revision = f"{model['variable']}.revision", model["revision"]
        name = repository.rpartition("/")[2]
        have = hub_cache.snapshots(self._path(repository))
        place = f"{repository}/snapshots"
        setting, instead = "HF_HUB_OFFLINE", "without HF_HUB_OFFLINE"
        if not offline:
            setting, instead = "tgi_read_only_data: always", "with never"
        fill = f"deploy once {instead}, or copy {name} there from a host that has {revision}"
        if revision not in have:
            what = f"is not in {place} (it has {', '.join(have) or 'nothing'})"
            yield problem(where, f"{what}, and {setting} forbids to fetch it", fill)
            return
        if not hub_cache.has_ref(self._path(repository), revision):
            what = f"is not in {repository}/refs/{revision} (that text and no newline)"
            remedy = hub_cache.ref_command(repository, revision)
            what += ", so TGI would serve without a chat template"
            yield problem(where, what, f"run on the host: {remedy}")
        snapshot = self._path(f"{place}/{revision}")
        missing, weights = hub_cache.missing_weights(snapshot), hub_cache.weights(snapshot)
        if missing or not weights:
            lacking = ", ".join(missing) or "weights (*.safetensors)"
            yield problem(f"{where}: {place}/{revision}", f"lacks {lacking}", fill)
        elif not weights[0].endswith(".safetensors") and self._read_only != "never":
            what = f"has {weights[0]} only, which TGI converts beside it, and gets it read-only"
            yield problem(f"{where}: {place}/{revision}", what, "write tgi_read_only_data: never")


def _value(text: str, name: str) -> str:
    try:
        return str(json.loads(text)[name])
    except (ValueError, LookupError, TypeError):
        return ""


def _is_object(text: str) -> bool:
    try:
        return isinstance(json.loads(text), dict)
    except ValueError:
        return False
