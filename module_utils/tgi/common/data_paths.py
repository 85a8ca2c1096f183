"""Check paths in the container: of the host's directories it sees only /data."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator

from .problem import problem, shown

_PATH = re.compile(r"/data(?:/[\w.-]+)*/?")


def is_in_data(path: str) -> bool:
    """Return whether a path is /data or below it, also after its dots are resolved."""
    inside = posixpath.normpath(path)
    return bool(_PATH.fullmatch(path)) and (inside == "/data" or inside.startswith("/data/"))


def check_data_path(path: str, where: str, why: str = "") -> Iterator[str]:
    """Refuse a path that is not below /data; ``why`` follows the remedy."""
    if not is_in_data(path) or posixpath.normpath(path) == "/data":
        remedy = "write a path under /data, where the container sees tgi_data_dir"
        yield problem(where, f"is {shown(path)}, which is not under /data", remedy + why)
