"""Read from a gateway's configuration in force which replicas it publishes."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from ..common.files import read
from ..common.places import GATEWAY_CONFIGURATION
from .nginx.edited import origin_of
from .nginx.release import ReleaseLink

_MAIN = "etc/nginx/nginx.conf"


def read_published(root: Path = Path("/")) -> dict[str, str]:
    """Return model@replica -> host:port; none where no gateway is in force.

    Of a replica that moves, that is the one before, at which it still serves.
    """
    link = ReleaseLink(root / _MAIN, Path(GATEWAY_CONFIGURATION))
    version = link.version() or origin_of(link)
    path = root / GATEWAY_CONFIGURATION.lstrip("/") / (version or "") / "backends.json"
    try:
        return {flag: found[-1] for flag, found in _addresses(json.loads(read(path))).items()}
    except (ValueError, LookupError, TypeError):
        return {}


def addresses_in_force(
    main: Path, configuration: Path = Path(GATEWAY_CONFIGURATION)
) -> dict[str, list[str]]:
    """Return all addresses of each replica for ``main``, nginx's main file.

    Raises FileNotFoundError where no gateway is in force, ValueError for a file that is no JSON.
    """
    edited = origin_of(ReleaseLink(main, configuration))
    release = configuration / edited if edited else main.resolve().parent
    return _addresses(json.loads((release / "backends.json").read_text()))


def _addresses(backends: Iterable[Mapping[str, Any]]) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for backend in backends:
        for one in backend["replicas"]:
            found.setdefault(f"{backend['name']}@{one['name']}", []).append(str(one["address"]))
    return found
