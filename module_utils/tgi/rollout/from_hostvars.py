"""Collect what :func:`rollout_plan.make_plan` needs from the facts and variables of a run."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from ..models.replicas import facts_of, left_out, models_of
from . import rollout_plan as plan
from .host_rooms import rooms_of


def rollout_plan(
    hosts: Iterable[str],
    hostvars: Mapping[str, Mapping[str, Any]],
    gateways: Iterable[str] = (),
    max_unavailable: int | str = 1,
    publishes: bool = True,
) -> dict[str, Any]:
    """Return the plan of this run as a fact, with moves, present, gateways and surplus beside it.

    :meth:`rollout_plan.RolloutPlan.as_fact` says what a plan has. moves (list) are the hosts on
    which a model that is replaced gets another port, present (list) those in this run, gateways
    (list) those of ``gateways`` that can be reached, surplus (list) the hosts on which containers
    stop that new ones stand beside, or that have a lock, usually of a run that died. A host is in
    this run if the module tgi_changes has left its fact there. ``publishes`` is whether this run,
    with its tags, changes gateways.
    """
    changes: dict[str, list[dict[str, Any]]] = {}
    elsewhere: dict[str, list[str]] = {}
    accepts: dict[str, bool] = {}
    gone: list[str] = []
    names = list(gateways)
    reached = [gateway for gateway in names if not left_out(hostvars[gateway])]
    flags = [one for gateway in reached for one in facts_of(hostvars[gateway]).get("drained") or []]
    for host in hosts:
        values = hostvars[host]
        found = (values.get("ansible_facts") or {}).get("tgi_changes")
        if found is not None:
            changes[host] = list(found)
            for model in models_of(values):
                accepts[model["name"]] = accepts.get(model["name"], True) and _accepts(
                    model, values
                )
            continue
        for model in models_of(values):
            elsewhere.setdefault(model["name"], []).append(host)
            if left_out(values):
                gone.append(f"{model['name']}@{host}")
    # This run ends what an earlier one began, where it reaches the host
    resumed = {_replica(one) for one in flags if one["run"] and one["replica"] in changes}
    gone += [_replica(one) for one in flags if _replica(one) not in resumed]
    single: set[str] = set()
    for gateway in reached:
        published = facts_of(hostvars[gateway]).get("published") or {}
        single |= _single([name for name in published if name not in gone])
    rooms = rooms_of(changes, hostvars, names, publishes)
    made = plan.make_plan(
        changes, elsewhere, accepts, max_unavailable, gone, resumed, single, rooms
    ).as_fact()
    locked = [host for host in changes if hostvars[host]["ansible_facts"].get("tgi_locked")]
    left = [host for host, its in changes.items() if any(one.get("beside") for one in its)]
    return {
        **made,
        "moves": [host for host in changes if _moves(changes[host], made, hostvars[host], host)],
        "present": list(changes),
        "gateways": reached,
        "surplus": [host for host in changes if host in {*left, *locked, *made["beside"]}],
    }


def _moves(
    changes: Iterable[Mapping[str, Any]],
    made: Mapping[str, Any],
    values: Mapping[str, Any],
    host: str,
) -> bool:
    """Return whether a model that is replaced in a batch is then at another address."""
    ports = {model["name"]: model["port"] for model in models_of(values)}
    apart = made["beside"].get(host, {})
    return any(
        ports.get(one["name"], one["port"]) != one["port"] or one.get("beside")
        for one in plan.due(changes)
        if one["name"] not in apart
    )


def _single(replicas: list[str]) -> set[str]:
    """Return those of ``replicas`` (model@host) whose model has no other one."""
    models = [name.partition("@")[0] for name in replicas]
    return {one for one, model in zip(replicas, models) if models.count(model) == 1}


def _replica(flag: Mapping[str, Any]) -> str:
    return f"{flag['model']}@{flag['replica']}"


def _accepts(model: Mapping[str, Any], values: Mapping[str, Any]) -> bool:
    own = model.get("accept_downtime")
    return bool(values.get("tgi_accept_downtime", False) if own is None else own)
