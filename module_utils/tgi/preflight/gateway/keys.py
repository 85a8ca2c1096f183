"""Check that clients can send the keys, and that the keys are hard to guess."""

from __future__ import annotations

import datetime
import re
from collections.abc import Iterator
from typing import Any

from ...common.problem import UNKNOWN, closest, problem
from ...gateway.render.key_expiry import expires_at
from ..secrets import is_placeholder

SHORTEST_KEY = 16
# nginx refuses a header of more than 8 kB
_LONGEST_KEY = 4096
# What a client can send after "Bearer "
_KEY = re.compile(r"[A-Za-z0-9._~+/=-]+")
_ENTRY = ("key", "expires")
_REMEDY = "write the output of openssl rand -hex 32, in a vault file"


def check_keys(keys: Any, where: str, seen: dict[str, str]) -> Iterator[str]:
    """Return the problems of a list of keys, each text or {key, expires}.

    ``seen`` maps each key so far to its place; this function adds to it. No problem shows a
    key. An expired key is not a problem: it may stay in the list, and the gateway refuses it.
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
        if name in _ENTRY:
            continue
        meant = closest(name, _ENTRY)
        if not meant and ("key" not in entry or len(name) >= SHORTEST_KEY):
            # The name may be the key itself: {KEY: "2027-01-31"}
            what = "has a field that is neither key nor expires, and may be the key itself"
            yield problem(path, what, 'write {key: KEY, expires: "2027-01-31"}')
            return
        what = "is not a field of a key (fields: key, expires)"
        yield problem(f"{path}.{name}", what, f"write {meant or 'one of these fields'}")
    if "key" not in entry:
        yield problem(f"{path}.key", "is missing", _REMEDY)
    expires = entry.get("expires")
    if expires is None or expires is UNKNOWN:
        return
    if isinstance(expires, datetime.date):
        # Ansible fails on it without naming the place, because keys are no_log
        remedy = f'put it in quotes: "{expires}"'
        yield problem(f"{path}.expires", "is a YAML date", remedy)
        return
    try:
        expires_at(expires)
    except (ValueError, OverflowError):
        remedy = 'write one such as "2027-01-31" or "2027-01-31T18:00:00Z"'
        yield problem(f"{path}.expires", "is not a date", remedy)


def _check_key(key: Any, path: str, seen: dict[str, str]) -> Iterator[str]:
    if not isinstance(key, str):
        yield problem(path, "is not a text", f"put it in quotes, or {_REMEDY}")
        return
    if is_placeholder(key):
        yield problem(path, "is a placeholder", _REMEDY)
    elif len(key) < SHORTEST_KEY:
        what = f"has {len(key)} characters, {SHORTEST_KEY} is the minimum"
        yield problem(path, what, _REMEDY)
    elif len(key) > _LONGEST_KEY:
        yield problem(path, f"has {len(key)} characters, {_LONGEST_KEY} is the maximum", _REMEDY)
    elif not _KEY.fullmatch(key):
        yield problem(path, "has characters that a Bearer token cannot have", _REMEDY)
    elif key in seen:
        yield problem(path, f"is the same key as {seen[key]}", _REMEDY)
    seen.setdefault(key, path)
