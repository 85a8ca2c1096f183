"""Find a model in the Hub's cache as TGI does, and what is missing there.

TGI's Python part, its router (Rust) and its launcher each read the cache themselves. The router
finds a snapshot only through refs/REVISION, which Python's client does not write for a commit.
"""

from __future__ import annotations

import json
import shlex
from collections.abc import Mapping
from pathlib import Path

from ..common.files import read

#: Variables of TGI's environment that say where weights are, and whether they may be fetched
VARIABLES = ("HF_HOME", "HF_HUB_OFFLINE", "HUGGINGFACE_HUB_CACHE", "WEIGHTS_CACHE_OVERRIDE")
_SAFE = ".safetensors"
_INDEX = "model.safetensors.index.json"


def is_offline(environment: Mapping[str, str]) -> bool:
    """Return whether TGI fetches nothing; the preflight refuses other words for yes."""
    return environment.get("HF_HUB_OFFLINE") == "1"


def repository_paths(model_id: str, environment: Mapping[str, str], gpus: bool) -> list[str]:
    """Return where a model's directory may be in the container, the likeliest first.

    TGI's image sets HF_HOME to /data. Intel's, for models without a GPU of NVIDIA's, sets
    HUGGINGFACE_HUB_CACHE to /data.
    """
    home, cache = environment.get("HF_HOME"), environment.get("HUGGINGFACE_HUB_CACHE")
    places = [cache or f"{(home or '/data').rstrip('/')}/hub"]
    if not (cache or home or gpus):
        places.append("/data")
    return [f"{place.rstrip('/')}/models--{model_id.replace('/', '--')}" for place in places]


def snapshots(repository: Path) -> list[str]:
    """Return the revisions that are there, complete or not."""
    try:
        return sorted(path.name for path in (repository / "snapshots").iterdir())
    except OSError:
        return []


def has_ref(repository: Path, revision: str) -> bool:
    """Return whether the router finds the revision: it reads the file to its last byte."""
    return read(repository / "refs" / revision) == revision


def ref_command(repository: str, revision: str) -> str:
    """Return the shell command that writes the ref."""
    refs = shlex.quote(f"{repository}/refs")
    return f"mkdir -p {refs} && printf %s {revision} > {refs}/{revision}"


def missing_weights(snapshot: Path) -> list[str]:
    """Return the files that the index or a link names and that are not there."""
    try:
        wanted = set(json.loads(read(snapshot / _INDEX))["weight_map"].values())
    except (ValueError, LookupError, TypeError, AttributeError):
        wanted = set()
    wanted |= {path.name for path in snapshot.iterdir() if path.is_symlink()}
    return sorted(str(name) for name in wanted if not (snapshot / str(name)).is_file())


def weights(snapshot: Path) -> list[str]:
    """Return the safetensors, or without any the pickled weights that TGI converts."""
    names = sorted(path.name for path in snapshot.iterdir())
    found = [name for name in names if name.endswith(_SAFE)]
    return found or [name for name in names if name.endswith((".bin", ".pt"))]
