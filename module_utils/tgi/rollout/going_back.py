"""Plan to go back on request: which models have a set that passed before the active one."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from typing import Any


def going_back(
    changes: Iterable[Mapping[str, Any]],
    sets: Iterable[Mapping[str, Any]],
    names: Collection[str] = (),
    asked: str = "",
) -> list[dict[str, Any]]:
    """Return ``changes`` of tgi_changes as a roll-out needs them that goes back.

    ``sets`` is what tgi_sets lists, newest first. Of ``names`` (empty: all models) those are to be
    replaced that have such a set, or the set ``asked``; all others stay. A set of the same project
    with another port is none: gateways publish the present one. One of the model's other project
    starts beside the present one: it is the ``target`` of the change.
    """
    kept = list(sets)
    found = []
    for one in changes:
        others = [
            it
            for it in kept
            if it["name"] == one["name"]
            and not it["active"]
            and (it["port"] == one["port"] or it["project"] != one["project"])
            and (it["id"] == asked or not asked)
            and (one["name"] in names or not names)
            and one["action"] != "stop"
        ]
        stays = {**one, "action": "nothing", "why": [], "kept": True}
        found.append({**stays, **_replaced(one, others[0])} if others else stays)
    return found


def _replaced(one: Mapping[str, Any], target: Mapping[str, Any]) -> dict[str, Any]:
    why = f"back to the set {target['id']}, which passed {target['kept_at']}"
    # Not asked where the inventory changes nothing: then it is taken to serve
    serves = one["serves"] is not False
    found = {"action": "replace", "why": [why], "serves": serves, "returnable": True}
    if target["project"] == one["project"]:
        return found
    return {**found, "target": {key: target[key] for key in ("port", "project", "gpus")}}
