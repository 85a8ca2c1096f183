"""Find sites in nginx that are not ours, and refuse or include them."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Mapping
from pathlib import Path

from ...common.files import read, read_bytes

#: The place in nginx.conf for included sites that are not ours
OTHERS_MARK = "@GATEWAY_OTHERS@"
_COMMENT = re.compile(r"(?m)(?:^|\s)#.*$")
_SERVER = re.compile(r"(?:^|[;{}\s])server\s*\{")
_NAMES = re.compile(r"(?:^|[;{}\s])server_name\s+(?!\s)([^;]*);")
_LISTEN = re.compile(r"(?:^|[;{}\s])listen\s+([^;\s]+)")
_INCLUDE = re.compile(r"(?:^|[;{}\s])include\s+(?!\s)([^;]+);")
# What the main files of Debian and of nginx.org include; their sites are checked one by one
_STOCK = re.compile(
    r"(?:/etc/nginx/|/usr/share/nginx/)?"
    r"(?:mime\.types|modules-enabled/\*\.conf|modules/\*\.conf|conf\.d/\*\.conf|sites-enabled/\*)"
)
_DEEPEST = 5
_BASE = Path("/etc/nginx")
_PLAIN = re.compile(r"[A-Za-z0-9/._@+-]+")
# What the packages of Debian and of nginx.org serve as they are shipped
_SHIPPED = ("sites-enabled/default", "conf.d/default.conf")


def other_sites(main: Path, shipped: Mapping[str, str], ours: bool = False) -> list[Path]:
    """Return the files, sorted, by which ``main`` (nginx.conf) serves sites that are not ours.

    ``shipped`` has the MD5 digests of the packages' files by path. A package's default site
    does not count while it is unchanged. Nor does a main file that is unchanged, ``ours``, or
    without servers and includes of its own.
    """
    defaults = [main.parent / name for name in _SHIPPED]
    found = [
        path
        for pattern in ("sites-enabled/*", "conf.d/*.conf")
        for path in main.parent.glob(pattern)
        if not path.name.startswith(".") and not (path in defaults and _as_shipped(path, shipped))
    ]
    if not ours and not _as_shipped(main, shipped) and _has_own(_text(main)):
        found.append(main)
    return sorted(found)


def _has_own(text: str) -> bool:
    """Return whether a main file has servers, or includes more than a package's does."""
    included = [name.strip("\"' ") for name in _INCLUDE.findall(text)]
    return bool(_SERVER.search(text)) or not all(map(_STOCK.fullmatch, included))


def with_others(text: str, others: Iterable[Path]) -> str:
    """Put include lines of ``others`` at the mark in ``text``. Raises ValueError for odd names."""
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
    """Return those of ``others`` that a configuration includes."""
    return [path for path in others if _include(path) in text]


def clashes(own: str, others: Iterable[Path]) -> list[str]:
    """Return which of ``others`` claim a server name of the configuration ``own`` on its ports.

    nginx warns at most. It prefers a server with the name to the default server, so such a site
    on the plain port would get the gateway's ACME challenges.
    """
    mine = _servers(own)
    ports = {port for listeners, _ in mine for port in listeners}
    names = {name for _, claimed in mine for name in claimed}
    return [
        f"{path} claims server name {name} on port {port} too"
        for path in others
        for listeners, claimed in _servers(_whole(path))
        for name in sorted(claimed & names)
        for port in sorted(listeners & ports)
    ]


def _servers(text: str) -> list[tuple[set[str], set[str]]]:
    """Return (ports, names) of every server, without names that match anything."""
    found = []
    for start in _SERVER.finditer(text):
        block = text[start.end() : _end(text, start.end())]
        listeners = {_port(listener) for listener in _LISTEN.findall(block)} or {"80"}
        names = {
            name.strip("\"'").lower() for names in _NAMES.findall(block) for name in names.split()
        }
        found.append((listeners, names - {"_", ""}))
    return found


def _end(text: str, start: int) -> int:
    depth = 1
    for place in range(start, len(text)):
        depth += {"{": 1, "}": -1}.get(text[place], 0)
        if not depth:
            return place
    return len(text)


def _port(listener: str) -> str:
    """Return the port: 80 for 80, *:80, [::]:80 or an address alone; for a socket its path."""
    last = listener.rpartition(":")[2]
    return last if last.isdigit() or listener.startswith("unix:") else "80"


def _include(path: Path) -> str:
    """Write a pattern: nginx accepts one that matches nothing, so the owner may remove the site."""
    return f"include {str(path)[:-1]}[{str(path)[-1]}];"


def _as_shipped(path: Path, shipped: Mapping[str, str]) -> bool:
    digest = hashlib.md5(read_bytes(path), usedforsecurity=False).hexdigest()
    return shipped.get(str(path.resolve())) == digest


def _text(path: Path) -> str:
    return _COMMENT.sub("", read(path))


def _whole(path: Path, depth: int = 0) -> str:
    """Return a file's text with what it includes in its place; nginx's base is /etc/nginx."""

    def included(found: re.Match[str]) -> str:
        pattern = found.group(1).strip("\"' ")
        base = Path("/") if pattern.startswith("/") else _BASE
        files = sorted(base.glob(pattern.lstrip("/"))) if depth < _DEEPEST else []
        return "\n" + "\n".join(_whole(file, depth + 1) for file in files if file.is_file()) + "\n"

    return _INCLUDE.sub(included, _text(path))
