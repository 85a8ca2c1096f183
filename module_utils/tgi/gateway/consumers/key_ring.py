"""Make and rotate the keys of consumers, which a vault holds as V(vault_gateway_keys)."""

from __future__ import annotations

import datetime
import json
import secrets
from collections.abc import Iterable, Mapping
from typing import Any

from ...common.problem import closest, problem
from ..render.key_expiry import expires_at

#: The one variable of the vault file
VARIABLE = "vault_gateway_keys"
#: What a rotation does, in this order
STEPS = ("add", "expire", "remove")
_HEADER = "# Written by playbooks/secrets.yml: keys of consumers, the newest first"
_BYTES = 32

#: By consumer: entries of ``keys`` as gateway_consumers has them, {key} or {key, expires}
Ring = dict[str, list[dict[str, str]]]


def read_ring(data: Any, where: str) -> Ring:
    """Return the keys in a vault file's data, {} for an empty file.

    Raise ValueError for a file with anything else: writing it would lose that.
    """
    ring = (data or {}).get(VARIABLE) if isinstance(data, Mapping) or not data else None
    others = sorted({*map(str, data)} - {VARIABLE}) if isinstance(data, Mapping) else []
    if data and (others or not isinstance(ring, Mapping)):
        what = f"has {', '.join(others)} in it" if others else f"has no {VARIABLE}"
        raise ValueError(problem(where, what, "write another secrets_file for the keys alone"))
    try:
        return {str(name): [_plain(entry) for entry in keys] for name, keys in (ring or {}).items()}
    except (TypeError, KeyError, AttributeError):
        wrong = problem(where, "has keys in a form that this playbook does not write", "mend it")
        raise ValueError(wrong) from None


def ring_text(ring: Ring) -> str:
    """Return the vault file's text before it is encrypted."""
    lines = [_HEADER, f"{VARIABLE}:"]
    for name in sorted(ring):
        lines.append(f"  {json.dumps(name)}:")
        # JSON is YAML
        lines += [f"    - {json.dumps(entry)}" for entry in ring[name]]
    return "\n".join(lines) + "\n"


def give_keys(ring: Ring, names: Iterable[str]) -> Ring:
    """Return the ring with a first key for each of ``names`` that has none in it."""
    return {**ring, **{name: [_new()] for name in names if not ring.get(name)}}


def rotate(ring: Ring, name: str, step: str, days: int, now: datetime.datetime) -> Ring:
    """Return the ring after a step of a rotation; raise ValueError where it would harm clients.

    ``add`` puts a new key before the old ones, ``expire`` lets all but the newest end in ``days``,
    ``remove`` drops those that have ended.
    """
    if not ring.get(name):
        known = closest(name, ring) or ", ".join(sorted(ring)) or "the name of a consumer"
        raise ValueError(
            problem("secrets_rotate", f"is {name}, which has no key in the vault", f"write {known}")
        )
    newest, *older = ring[name]
    lasting = [entry for entry in older if not entry.get("expires")]
    if step == "add":
        if lasting:
            what = "has an older key without an end beside its newest"
            raise ValueError(problem(name, what, "finish that rotation first: secrets_step=expire"))
        return {**ring, name: [_new(), newest, *older]}
    if step == "expire":
        if not older:
            raise ValueError(
                problem(name, "has one key only", "give it a new one first: secrets_step=add")
            )
        end = (now + datetime.timedelta(days=days)).date().isoformat()
        return {**ring, name: [newest, *({"expires": end, **entry} for entry in older)]}
    return {**ring, name: [newest, *(entry for entry in older if not _is_over(entry, now))]}


def _new() -> dict[str, str]:
    return {"key": secrets.token_hex(_BYTES)}


def _plain(entry: Any) -> dict[str, str]:
    """Return an entry without Ansible's own types of text."""
    found = {"key": str(entry["key"])}
    return {**found, "expires": str(entry["expires"])} if entry.get("expires") else found


def _is_over(entry: Mapping[str, str], now: datetime.datetime) -> bool:
    return bool(entry.get("expires")) and expires_at(entry["expires"]) <= now.timestamp()
