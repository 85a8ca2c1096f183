"""Say which models each step of the role tgi is about."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any

from .rollout_plan import due

ALL, START, REPLACE, STOP = "all", "start", "replace", "stop"


def step_of(
    changes: Sequence[Mapping[str, Any]],
    models: Sequence[Mapping[str, Any]],
    step: str = ALL,
    only: Collection[str] = (),
    check_mode: bool = False,
) -> dict[str, Any]:
    """Return lists of names: pull, write, stop and wait; and last, whether later steps change none.

    ``changes`` is what tgi_changes found on the host, ``models`` the fact tgi_host.models. The
    steps are start (what takes nothing out of service), replace (what may serve, and of that
    ``only`` these) and stop (what left the list); all does everything, and in check mode start
    does so too. ``wait`` has the models that must generate at the end; in check mode those that do
    not exist yet are left out.
    """
    step = ALL if check_mode and step == START else step
    moving = [str(one["name"]) for one in changes if one["action"] not in ("nothing", "stop")]
    later = [str(one["name"]) for one in due(changes)]
    moving += [name for name in later if name not in moving]
    now = {
        ALL: moving,
        START: [name for name in moving if name not in later],
        REPLACE: [name for name in later if name in (only or later)],
        STOP: [],
    }[step]
    unlisted = [one for one in changes if one["action"] == "stop"]
    to_come = [model for model in models if model["name"] in moving]
    urgent = [str(one["name"]) for one in unlisted if _in_the_way(one, to_come)]
    calm = [str(one["name"]) for one in unlisted if one["name"] not in urgent]
    new = [str(one["name"]) for one in changes if one["action"] == "start"]
    # Of the others that are due, one may not generate before its own turn
    later = [name for name in later if step == START or (only and name not in now)]
    absent = [*(later if step in (START, REPLACE) else []), *(new if check_mode else [])]
    listed = [str(one["name"]) for one in changes if one["action"] != "stop"]
    return {
        "pull": moving if step in (ALL, START) else [],
        "write": now,
        "stop": {ALL: urgent + calm, START: urgent, REPLACE: [], STOP: calm}[step],
        "wait": [] if step == STOP else [name for name in listed if name not in absent],
        "last": step in (ALL, STOP) or (step == START and not later and not calm),
    }


def _in_the_way(gone: Mapping[str, Any], to_come: Sequence[Mapping[str, Any]]) -> bool:
    """Return whether one of the models to come needs the port or a GPU of ``gone``."""
    return any(
        one["port"] == gone["port"] or set(one["gpus"]) & set(gone["gpus"]) for one in to_come
    )
