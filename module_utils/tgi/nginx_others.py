"""What this nginx serves besides what its packages brought, and how a gateway lives with it."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Mapping
from pathlib import Path

#: Stands in nginx.conf where sites of others are included
OTHERS_MARK = "@GATEWAY_OTHERS@"
_COMMENT = re.compile(r"(?m)(?:^|\s)#.*$")
_SERVER = re.compile(r"(?:^|[;{}\s])server\s*\{")
_NAMES = re.compile(r"(?:^|[;{}\s])server_name\s+([^;]*);")
_CONFLICT = re.compile(r'conflicting server name "([^"]*)" on (\S+), ignored')
_PLAIN = re.compile(r"[A-Za-z0-9/._@+-]+")
# What the packages of Debian and of nginx.org serve as they are shipped
_SHIPPED = ("sites-enabled/default", "conf.d/default.conf")


def other_sites(main: Path, shipped: Mapping[str, str], ours: bool = False) -> list[Path]:
    """Give the files by which ``main`` (/etc/nginx/nginx.conf) serves sites of others, sorted.

    ``shipped`` has the MD5 digests of the packages' files by path. A package's default site is
    nobody's while it is as it was shipped, and so is a main file without a server of its own, or
    one of ``ours``.
    """
    defaults = [main.parent / name for name in _SHIPPED]
    found = [
        path
        for pattern in ("sites-enabled/*", "conf.d/*.conf")
        for path in main.parent.glob(pattern)
        if not path.name.startswith(".") and not (path in defaults and _as_shipped(path, shipped))
    ]
    if not ours and main.is_file() and _SERVER.search(_text(main)):
        found.append(main)
    return sorted(found)


def with_others(text: str, others: Iterable[Path]) -> str:
    """Put include lines of ``others`` where ``text`` is marked for them; ValueError: odd names."""
    for path in others:
        if not _PLAIN.fullmatch(str(path)):
            raise ValueError(
                f"the site {str(path)!r} cannot be included: name its file with letters, digits "
                "and . _ @ + - only"
            )
    lines = [_include(path) for path in others] or ["# None are there"]
    mark = re.search(rf"(?m)^([ \t]*){OTHERS_MARK}", text)
    indent = mark.group(1) if mark else ""
    return text.replace(OTHERS_MARK, f"\n{indent}".join(lines))


def includes(text: str, others: Iterable[Path]) -> list[Path]:
    """Give those of ``others`` that a configuration includes."""
    return [path for path in others if _include(path) in text]


def clashes(said: str, own: str, others: Iterable[Path]) -> str:
    """Give which files of ``others`` claim a server name of ``own``, or an empty text.

    ``said`` is what nginx says of the whole configuration. It only warns, and lets the first one
    win; warnings about names that are not ``own`` are not the gateway's.
    """
    reasons = []
    for name, listener in _CONFLICT.findall(said):
        claimants = [str(path) for path in others if name in _server_names(_text(path))]
        if name in _server_names(own) and claimants:
            reasons.append(f"{', '.join(claimants)} claims server name {name} on {listener} too")
    return "; ".join(dict.fromkeys(reasons))


def _include(path: Path) -> str:
    """As a pattern: one that matches nothing is no error when its owner takes the site away."""
    return f"include {str(path)[:-1]}[{str(path)[-1]}];"


def _server_names(text: str) -> set[str]:
    return {name for names in _NAMES.findall(text) for name in names.split()}


def _as_shipped(path: Path, shipped: Mapping[str, str]) -> bool:
    digest = hashlib.md5(_read(path), usedforsecurity=False).hexdigest()
    return shipped.get(str(path.resolve())) == digest


def _text(path: Path) -> str:
    return _COMMENT.sub("", _read(path).decode("utf-8", "replace"))


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError:
        return b""
