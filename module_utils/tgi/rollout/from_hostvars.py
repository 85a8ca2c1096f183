"""Collect what :func:`plan.make_plan` needs from the facts and variables of a run."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from ..models.replicas import facts_of, left_out, models_of
from . import plan


def rollout_plan(
    hosts: Iterable[str],
    hostvars: Mapping[str, Mapping[str, Any]],
    gateways: Iterable[str] = (),
    max_unavailable: int | str = 1,
) -> dict[str, Any]:
    """Return :meth:`plan.Plan.as_fact` for the GPU hosts of this run, moves, present and gateways.

    moves (list) are the hosts on which a model that is replaced gets another port, present (list)
    those in this run, gateways (list) those of ``gateways`` that can be reached. A host is in this
    run if the module tgi_changes has left its fact there.
    """
    changes: dict[str, list[dict[str, Any]]] = {}
    elsewhere: dict[str, list[str]] = {}
    accepts: dict[str, bool] = {}
    moves: list[str] = []
    reached = [gateway for gateway in gateways if not left_out(hostvars[gateway])]
    gone = [
        f"{one['model']}@{one['replica']}"
        for gateway in reached
        for one in facts_of(hostvars[gateway]).get("drained") or []
    ]
    for host in hosts:
        values = hostvars[host]
        found = (values.get("ansible_facts") or {}).get("tgi_changes")
        if found is not None:
            changes[host] = list(found)
            ports = {model["name"]: model["port"] for model in models_of(values)}
            if any(ports.get(one["name"], one["port"]) != one["port"] for one in plan.due(found)):
                moves.append(host)
            for model in models_of(values):
                accepts[model["name"]] = accepts.get(model["name"], True) and _accepts(
                    model, values
                )
            continue
        for model in models_of(values):
            elsewhere.setdefault(model["name"], []).append(host)
            if left_out(values):
                gone.append(f"{model['name']}@{host}")
    made = plan.make_plan(changes, elsewhere, accepts, max_unavailable, gone)
    return {**made.as_fact(), "moves": moves, "present": list(changes), "gateways": reached}


def _accepts(model: Mapping[str, Any], values: Mapping[str, Any]) -> bool:
    own = model.get("accept_downtime")
    return bool(values.get("tgi_accept_downtime", False) if own is None else own)
