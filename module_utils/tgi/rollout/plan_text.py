"""Say a plan in words: a line for each model of each host that changes."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .rollout_plan import Step

ROLLING, IN_PLACE, UNSEEN, BLUE_GREEN = "rolling", "in_place", "unseen", "blue_green"
#: What each strategy does, for people
STRATEGIES = {
    ROLLING: "one replica after the other, the others serve",
    IN_PLACE: "in place",
    UNSEEN: "in place, it does not serve now",
    BLUE_GREEN: "new beside old",
}


def plan_lines(
    changes: Mapping[str, Sequence[Mapping[str, Any]]],
    steps: Sequence[Step],
    batches: Sequence[Sequence[str]],
) -> list[str]:
    """Return what happens to each model of each host that changes, in order."""
    turns = {host: number for number, batch in enumerate(batches, 1) for host in batch}
    by_place = {(step.host, step.model): step for step in steps}
    found = []
    for host, its in changes.items():
        for one in its:
            where, step = f"{one['name']} on {host}", by_place.get((host, str(one["name"])))
            if step:
                turn = turns.get(host, 0)
                found.append(f"{where}: {_replacing(step, one, turn, len(batches))}")
            elif one["action"] == "nothing" and (old := one.get("beside")):
                found.append(f"{where}: stop {old['project']}, which an earlier run left beside it")
            elif one["action"] != "nothing":
                found.append(f"{where}: {_ACTIONS[str(one['action'])]}{_because(one['why'])}")
    return found


_ACTIONS = {
    "start": "start it",
    "update": "write its files, without a restart",
    "stop": "stop it, once the gateways have forgotten it",
}


def _replacing(step: Step, one: Mapping[str, Any], turn: int, turns: int) -> str:
    verb = "replace it" if one["action"] == "replace" else "prove it"
    if place := step.choice.place:
        gpus = f"GPU {', '.join(place['gpus'])}, " if place["gpus"] else ""
        how = f"{STRATEGIES[step.strategy]} on {gpus}port {place['port']}"
        return f"{verb}{_because(step.why)}: {how}: clients notice nothing"
    order = f"; turn {turn} of {turns}" if turns > 1 else ""
    out = ""
    if step.strategy == IN_PLACE:
        known = "for an unknown time" if step.gap is None else f"for some {step.gap:.0f} s"
        out = f": {step.choice.why}" if step.choice.why else ""
        out += f"; {step.model} is out {known}, clients get 503"
    return f"{verb}{_because(step.why)}: {STRATEGIES[step.strategy]}{order}{out}"


def _because(why: Iterable[str]) -> str:
    text = ", ".join(why)
    return f" ({text})" if text else ""
