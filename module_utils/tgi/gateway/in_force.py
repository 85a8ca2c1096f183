"""Read from a gateway's configuration in force which replicas it publishes."""

from __future__ import annotations

import json
from pathlib import Path

from ..common.files import read
from ..common.places import GATEWAY_CONFIGURATION
from .nginx.edited import origin_of
from .nginx.release import ReleaseLink

_MAIN = "etc/nginx/nginx.conf"


def read_published(root: Path = Path("/")) -> dict[str, str]:
    """Return model@replica -> host:port; none where no gateway is in force."""
    link = ReleaseLink(root / _MAIN, Path(GATEWAY_CONFIGURATION))
    version = link.version() or origin_of(link)
    path = root / GATEWAY_CONFIGURATION.lstrip("/") / (version or "") / "backends.json"
    try:
        return {
            f"{backend['name']}@{one['name']}": str(one["address"])
            for backend in json.loads(read(path))
            for one in backend["replicas"]
        }
    except (ValueError, LookupError, TypeError):
        return {}
