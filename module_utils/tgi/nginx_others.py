"""Does this nginx serve anything but what its packages brought?"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from pathlib import Path

_COMMENT = re.compile(r"(?m)(?:^|\s)#.*$")
_SERVER = re.compile(r"(?:^|[;{}\s])server\s*\{")
_DEFAULT = "default"


def other_sites(main: Path, shipped: Mapping[str, str]) -> list[Path]:
    """Give the files by which ``main`` (/etc/nginx/nginx.conf) serves sites of others, sorted.

    ``shipped`` has the MD5 digests of the package's files by path. The package's default site
    is nobody's while it is as it was shipped, and so is a main file without a server of its own.
    """
    found = [
        path
        for path in main.parent.glob("sites-enabled/*")
        if path.name != _DEFAULT or not _as_shipped(path, shipped)
    ]
    found += main.parent.glob("conf.d/*.conf")
    if main.is_file() and _SERVER.search(_COMMENT.sub("", _read(main).decode("utf-8", "replace"))):
        found.append(main)
    return sorted(found)


def _as_shipped(path: Path, shipped: Mapping[str, str]) -> bool:
    digest = hashlib.md5(_read(path), usedforsecurity=False).hexdigest()
    return shipped.get(str(path.resolve())) == digest


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError:
        return b""
