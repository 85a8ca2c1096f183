"""Check the files on the host without which TGI starts, but serves not as asked or not at all."""

from __future__ import annotations

import json
import posixpath
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from ..common.files import read
from ..common.problem import problem, shown
from ..models import hub_cache

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
        environment = model["environment"]
        offline = hub_cache.is_offline(environment)
        fetches = not offline and self._read_only != "always"
        local = model["model_id"].startswith("/") or not model["revision"]
        if fetches or local or environment.get("WEIGHTS_CACHE_OVERRIDE"):
            return
        paths = hub_cache.repository_paths(model["model_id"], environment, bool(model["gpus"]))
        places = [place for place in map(self._on_host, paths) if place]
        has = [one for one in places if model["revision"] in hub_cache.snapshots(self._path(one))]
        for place in (has or places)[:1]:
            yield from self._check_cache(model, place, offline)

    def _on_host(self, path: str) -> str:
        """Return the host's path of one in the container, "" where it is not below /data."""
        inside = posixpath.normpath(path)
        return f"{self._data}{inside[len('/data') :]}" if inside.startswith("/data/") else ""

    def _path(self, path: str) -> Path:
        return self._root / path.lstrip("/")

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
            what = f"has {weights[0]} only, which TGI converts beside it, and gets /data read-only"
            yield problem(f"{where}: {place}/{revision}", what, "write tgi_read_only_data: never")


def _is_object(text: str) -> bool:
    try:
        return isinstance(json.loads(text), dict)
    except ValueError:
        return False
