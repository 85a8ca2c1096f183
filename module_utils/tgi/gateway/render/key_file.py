"""Build keys.json, in which njs finds the consumer of a request."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from typing import Any

from .key_expiry import expires_at


def nginx_keyring(consumers: Iterable[Mapping[str, Any]]) -> dict[str, Any]:
    """Return the keys, the subjects, and who is disabled or has streams of its own.

    That is ``{keys: {SHA-256: [consumer, end]}, subjects: {subject: consumer}, disabled, live}``.
    ``disabled`` maps names to true: njs knows no methods of lists that it loaded itself. ``live``
    maps names to whether streams with tools pass as the engine sends them, of consumers that say
    so. ``end`` is in seconds since 1970, 0 for a key without one. It has the keys of disabled
    consumers too, because the 401 names the reason. Raises ValueError for an end that
    is not a date.
    """
    keys: dict[str, list[Any]] = {}
    subjects: dict[str, str] = {}
    disabled: dict[str, bool] = {}
    live: dict[str, bool] = {}
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
        if consumer.get("tool_streams"):
            live[name] = consumer["tool_streams"] == "live"
    return {"keys": keys, "subjects": subjects, "disabled": disabled, "live": live}
