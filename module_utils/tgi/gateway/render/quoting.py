"""Let only plain words into nginx's configuration.

The preflight refuses bad input with a remedy; this is the last guard, in the templates.
"""

from __future__ import annotations

import re
from typing import Any

_PLAIN = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")
_MAP_WORDS = ("default", "include", "hostnames", "volatile")
_ADDRESS = re.compile(r"[A-Za-z0-9.:/\[\]-]+")


def nginx_word(text: Any) -> str:
    """Return a name as it is: letters, digits and ``. _ -``. Raises ValueError for any other."""
    return _held(_PLAIN, text)


def nginx_address(text: Any) -> str:
    """Return a host, a network or host:port as it is. Raises ValueError for any other text."""
    return _held(_ADDRESS, text)


def nginx_map_key(text: Any) -> str:
    """Return a name as the left side of a line in a map, where nginx knows words of its own.

    Raises ValueError for a name that is not plain (``map`` in nginx's manual: prefix with ``\\``).
    """
    name = nginx_word(text)
    return f"\\{name}" if name in _MAP_WORDS else name


def _held(pattern: re.Pattern[str], text: Any) -> str:
    if not pattern.fullmatch(str(text)):
        raise ValueError(f"{str(text)!r} is not allowed in nginx's configuration")
    return str(text)
