"""Who may call the gateway, as its njs code looks it up: digests, ends and subjects."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from typing import Any

from .key_expiry import expires_at


def nginx_keyring(consumers: Iterable[Mapping[str, Any]]) -> dict[str, Any]:
    """Give ``{keys: {SHA-256: [consumer, end]}, subjects: {subject: consumer}, disabled}``.

    ``disabled`` maps names to true: njs knows no methods of lists that it loaded itself.
    ``end`` is in seconds since 1970, 0 for a key without one. A disabled consumer's keys stay
    in it, so that its requests can be told from unknown ones. Raises ValueError for an end that
    is no date.
    """
    keys: dict[str, list[Any]] = {}
    subjects: dict[str, str] = {}
    disabled: dict[str, bool] = {}
    for consumer in consumers:
        name = str(consumer["name"])
        for entry in consumer.get("keys") or []:
            full = entry if isinstance(entry, Mapping) else {"key": entry}
            end = full.get("expires")
            digest = hashlib.sha256(str(full["key"]).encode()).hexdigest()
            keys[digest] = [name, 0 if end is None else expires_at(end)]
        for subject in consumer.get("certificate_subjects") or []:
            subjects[str(subject)] = name
        if not consumer.get("enabled", True):
            disabled[name] = True
    return {"keys": keys, "subjects": subjects, "disabled": disabled}
