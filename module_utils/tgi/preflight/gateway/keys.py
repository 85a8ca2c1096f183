"""Whether the keys of a consumer are ones that clients can send and nobody guesses."""

from __future__ import annotations

import datetime
import re
from collections.abc import Iterator
from typing import Any

from ...common.problem import UNKNOWN, closest, problem
from ...gateway.render.key_expiry import expires_at

SHORTEST_KEY = 16
# nginx refuses a header of more than 8 kB
_LONGEST_KEY = 4096
# What a client can send after "Bearer "
_KEY = re.compile(r"[A-Za-z0-9._~+/=-]+")
_ENTRY = ("key", "expires")
_REMEDY = "write the output of openssl rand -hex 32, in a vault file"


def check_keys(keys: Any, where: str, seen: dict[str, str]) -> Iterator[str]:
    """Give the problems of a list of keys, each text or {key, expires}.

    ``seen`` has all keys met so far and where; it grows. No problem shows a key. A key that
    has expired is none: it stays listed until somebody tidies up, and the gateway refuses it.
    """
    for place, entry in enumerate(keys if isinstance(keys, list) else []):
        path = f"{where}[{place}]"
        if isinstance(entry, dict):
            yield from _check_entry(entry, path)
            entry, path = entry.get("key", UNKNOWN), f"{path}.key"
        if entry is not UNKNOWN:
            yield from _check_key(entry, path, seen)


def _check_entry(entry: dict[Any, Any], path: str) -> Iterator[str]:
    for name in map(str, entry):
        if name not in _ENTRY:
            remedy = f"write {closest(name, _ENTRY) or 'key and expires'}"
            yield problem(f"{path}.{name}", "is nothing that a key has", remedy)
    if "key" not in entry:
        yield problem(f"{path}.key", "is missing", _REMEDY)
    expires = entry.get("expires")
    if expires is None or expires is UNKNOWN:
        return
    if isinstance(expires, datetime.date):
        # Ansible fails on it, without a word on where: it looks for secrets in all of keys
        remedy = f'put it in quotes: "{expires}"'
        yield problem(f"{path}.expires", "is a date of YAML", remedy)
        return
    try:
        expires_at(expires)
    except (ValueError, OverflowError):
        remedy = 'write one such as "2027-01-31" or "2027-01-31T18:00:00Z"'
        yield problem(f"{path}.expires", "is no date", remedy)


def _check_key(key: Any, path: str, seen: dict[str, str]) -> Iterator[str]:
    if not isinstance(key, str):
        yield problem(path, "is no text", f"put it in quotes, or {_REMEDY}")
        return
    if len(key) < SHORTEST_KEY:
        what = f"has {len(key)} characters, {SHORTEST_KEY} are the least"
        yield problem(path, what, _REMEDY)
    elif len(key) > _LONGEST_KEY:
        yield problem(path, f"has {len(key)} characters, {_LONGEST_KEY} are the most", _REMEDY)
    elif not _KEY.fullmatch(key):
        yield problem(path, "has characters that a Bearer token cannot have", _REMEDY)
    elif key in seen:
        yield problem(path, f"is the same key as {seen[key]}", _REMEDY)
    seen.setdefault(key, path)
