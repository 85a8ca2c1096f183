"""Find characters of a URL's user and password that must be percent-encoded."""

from __future__ import annotations

import re

ENCODE = "percent-encode its password (# is %23, / %2F, ? %3F, @ %40, % %25)"
_CUT = re.compile(r"[^:/]*://[^@/?#]*([/?#])[^@]*@")
_BROKEN_ESCAPE = re.compile(r"%(?![0-9A-Fa-f]{2})")


def login_problem(proxy: str) -> str:
    """Return why programs read another address from a proxy's URL, or none; else ""."""
    if found := _CUT.match(proxy):
        return f"has {found[1]} in its user or password, where programs end the host's name"
    if _BROKEN_ESCAPE.search(proxy):
        return "has a % that begins no escape"
    return "has a blank" if re.search(r"\s", proxy) else ""
