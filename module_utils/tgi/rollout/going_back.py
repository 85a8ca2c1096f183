"""Plan to go back on request: which models have a set that passed before the active one."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from typing import Any

from .history import ROLLED_BACK


def going_back(
    changes: Iterable[Mapping[str, Any]],
    sets: Iterable[Mapping[str, Any]],
    names: Collection[str] = (),
    asked: str = "",
    history: Iterable[Mapping[str, Any]] = (),
) -> list[dict[str, Any]]:
    """Return ``changes`` of tgi_changes as a roll-out needs them that goes back.

    ``sets`` is what tgi_sets lists, newest first. Of ``names`` (empty: all models) those are to be
    replaced that have such a set, or the set ``asked``; all others stay. A set of the same project
    with another port is none: gateways publish the present one. One of the model's other project
    starts beside the present one: it is the ``target`` of the change. ``target_set`` is its id.

    ``history`` has the events of the host, oldest first. A model that has gone back stays, so that
    a run can be made again which ended half-way; ``asked`` leads further back. Where it ended
    between the files and the container, the active set is the one to put back.
    """
    kept, last = list(sets), {str(one["model"]): one["event"] for one in history}
    found = []
    for one in changes:
        others = [
            it
            for it in kept
            if it["name"] == one["name"]
            and it["active"] == _goes_on(one, kept, asked)
            and (it["port"] == one["port"] or it["project"] != one["project"])
            and (it["id"] == asked or not asked)
            and (one["name"] in names or not names)
            and one["action"] != "stop"
        ]
        if not asked and last.get(one["name"]) == ROLLED_BACK and not one["stale"]:
            others = []
        stays = {**one, "action": "nothing", "why": [], "kept": True}
        found.append({**stays, **_replaced(one, others[0])} if others else stays)
    return found


def _goes_on(one: Mapping[str, Any], kept: Iterable[Mapping[str, Any]], asked: str) -> bool:
    """Return whether to end what a run before began, which wanted the set that is active now."""
    active = [it["id"] for it in kept if it["name"] == one["name"] and it["active"]]
    return bool(one["stale"] and active and asked in ("", *active))


def _replaced(one: Mapping[str, Any], target: Mapping[str, Any]) -> dict[str, Any]:
    why = f"back to the set {target['id']}, which passed {target['kept_at']}"
    if target["active"]:
        why += " (a run before did not finish)"
    # Not asked where the inventory changes nothing: then it is taken to serve
    serves = one["serves"] is not False
    found = {
        "action": "replace",
        "why": [why],
        "serves": serves,
        "returnable": True,
        "target_set": target["id"],
    }
    if target["project"] == one["project"]:
        return found
    return {**found, "target": {key: target[key] for key in ("port", "project", "gpus")}}
