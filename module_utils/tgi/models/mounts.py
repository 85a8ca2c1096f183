"""Say what of the host's directories a model's container sees.

/data is a directory of its own. From tgi_data_dir it sees its repositories on the Hub and the local
files that its options name, each at the same place below /data, and nothing of other models.
"""

from __future__ import annotations

import posixpath
from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

from ..common.data_paths import is_in_data
from ..common.places import OWN_DATA
from ..engines.tgi.environment_values import CERTIFICATES
from .hub_cache import is_offline, repository_paths

_REPOSITORY = "models--"


class Mount(NamedTuple):
    """A directory or file of the host, and its place in the container."""

    source: str
    target: str
    read_only: bool
    #: Whether Docker makes the host's directory where it is missing
    make: bool


def container_mounts(
    model: Mapping[str, Any], environment: Mapping[str, str], data_dir: str, read_only: str
) -> list[Mount]:
    """Return the mounts of a model (the preflight's fact), the outer ones first.

    ``environment`` is all of its container's, ``read_only`` is tgi_read_only_data. A repository is
    read-only where nothing is fetched; elsewhere its lock comes with it, because models that share
    a repository may fetch it at the same time.
    """
    data = posixpath.normpath(data_dir)
    own = f"{data.rstrip('/')}/{OWN_DATA}/{model['name']}"
    complete = read_only == "always" or (read_only == "offline" and is_offline(environment))
    # TGI converts pickles beside them
    complete = complete and not model.get("pickle")
    wanted = [Mount(own, "/data", False, True)]
    for path in _repositories(model, environment):
        wanted.append(Mount(_on_host(path, data), path, complete, True))
        if not complete:
            cache, _, name = path.rpartition("/")
            lock = f"{cache}/.locks/{name}"
            wanted.append(Mount(_on_host(lock, data), lock, False, True))
    for path in map(_whole, local_paths(model, environment)):
        if not any(_is_within(path, one.target) for one in wanted[1:]):
            wanted.append(Mount(_on_host(path, data), path, read_only != "never", False))
    return wanted


def bind_mounts(
    models: Iterable[Mapping[str, Any]],
    environments: Mapping[str, Mapping[str, str]],
    data_dir: str,
    read_only: str,
) -> dict[str, list[dict[str, Any]]]:
    """Return :func:`container_mounts` of each model as Compose takes them, by the model's name."""
    return {
        str(model["name"]): [
            {
                "type": "bind",
                "source": mount.source,
                "target": mount.target,
                "bind": {"create_host_path": mount.make},
                **({"read_only": True} if mount.read_only else {}),
            }
            for mount in container_mounts(model, environments[model["name"]], data_dir, read_only)
        ]
        for model in models
    }


def _repositories(model: Mapping[str, Any], environment: Mapping[str, str]) -> list[str]:
    named = [model["model_id"], *model["repositories"]]
    named += [str(one) for one in model["options"].get("lora_adapters", []) if "=" not in str(one)]
    ids = [one.partition("@")[0] for one in named if not one.startswith("/")]
    paths = [
        path for one in ids for path in repository_paths(one, environment, bool(model["gpus"]))
    ]
    return list(dict.fromkeys(path for path in paths if is_in_data(path)))


def local_paths(model: Mapping[str, Any], environment: Mapping[str, str]) -> list[str]:
    """Return the paths below /data that a model's options name, outer ones first."""
    options = model["options"]
    adapters = [str(one).partition("=")[2] for one in options.get("lora_adapters", [])]
    named = [
        model["model_id"],
        environment.get("WEIGHTS_CACHE_OVERRIDE", ""),
        *(one.partition("@")[0] for one in adapters),
        str(options.get("tokenizer_config_path", "")),
        *(environment.get(name, "") for name in CERTIFICATES),
    ]
    paths = {posixpath.normpath(one) for one in named if one and is_in_data(one)}
    return sorted(paths - {"/data"}, key=lambda path: (len(path), path))


def _whole(path: str) -> str:
    """Return the repository that a path leads into: its files are links to each other."""
    parts = path.split("/")
    for place, part in enumerate(parts):
        if part.startswith(_REPOSITORY):
            return "/".join(parts[: place + 1])
    return path


def _is_within(path: str, directory: str) -> bool:
    return path == directory or path.startswith(f"{directory}/")


def _on_host(path: str, data_dir: str) -> str:
    return f"{data_dir.rstrip('/')}{posixpath.normpath(path)[len('/data') :]}"
