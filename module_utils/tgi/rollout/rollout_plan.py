"""Plan a roll-out: by which strategy each model is replaced, and which hosts go together.

Pure functions on what the module tgi_changes found on each GPU host. The controller runs them
before anything moves, for the plan that it prints and for the batches that it then works off.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ..common.problem import problem
from .blue_green import NONE, Choice, HostRoom
from .plan_text import BLUE_GREEN, IN_PLACE, ROLLING, UNSEEN, plan_lines


@dataclass(frozen=True)
class Step:
    """One model that is replaced on one host."""

    host: str
    model: str
    strategy: str
    #: Why, in words
    why: tuple[str, ...] = ()
    #: Seconds that it was out when it was last replaced there; None if that is unknown
    gap: float | None = None
    #: Where the new set starts beside the old one, or why it does not
    choice: Choice = NONE


@dataclass(frozen=True)
class RolloutPlan:
    """A roll-out: ``batches`` of hosts in their order, and a line for people of each change."""

    steps: tuple[Step, ...] = ()
    batches: tuple[tuple[str, ...], ...] = ()
    lines: tuple[str, ...] = ()
    #: Why it must not begin, a line each with the remedy
    problems: tuple[str, ...] = ()
    #: Hosts on which models change or stop after the others have started
    rest: tuple[str, ...] = ()

    def as_fact(self) -> dict[str, Any]:
        """Return the plan as a fact.

        hosts (list, in the order of the batches), sizes (list of int, how many of them each batch
        has), models (host -> names), alone (host -> names of those without another replica),
        lines, problems and rest (lists). Models that start beside the old ones are in no batch:
        beside (host -> name -> its place), clears (host -> names whose place is cleared first).
        due (host -> names) has both kinds.
        """
        due: dict[str, list[str]] = {}
        beside: dict[str, dict[str, Any]] = {}
        clears: dict[str, list[str]] = {}
        models: dict[str, list[str]] = {}
        alone: dict[str, list[str]] = {}
        for step in self.steps:
            due.setdefault(step.host, []).append(step.model)
            if step.choice.place:
                beside.setdefault(step.host, {})[step.model] = step.choice.place
                if step.choice.clears:
                    clears.setdefault(step.host, []).append(step.model)
                continue
            models.setdefault(step.host, []).append(step.model)
            if step.strategy != ROLLING:
                alone.setdefault(step.host, []).append(step.model)
        return {
            "hosts": [host for batch in self.batches for host in batch],
            "sizes": [len(batch) for batch in self.batches] or [1],
            "models": models,
            "alone": alone,
            "due": due,
            "beside": beside,
            "clears": clears,
            "lines": list(self.lines),
            "problems": list(self.problems),
            "rest": list(self.rest),
        }


def due(changes: Iterable[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Return the changes of one host that replace what may serve, of those of tgi_changes.

    A set that a run wrote but never proved is due too, where another one could come back, and so
    is a new model that gets the port or a GPU of a model that is due.
    """
    found = [dict(one) for one in changes]
    first = [
        one
        for one in found
        if one["action"] == "replace" or (one["action"] != "stop" and _unproven(one))
    ]
    held = {f"port {one['port']}" for one in first} | {gpu for one in first for gpu in one["gpus"]}
    return [
        one
        for one in found
        if one in first
        or (one["action"] == "start" and held & {f"port {one['port']}", *one["gpus"]})
    ]


def make_plan(
    changes: Mapping[str, Sequence[Mapping[str, Any]]],
    elsewhere: Mapping[str, Sequence[str]],
    accepts: Mapping[str, bool],
    max_unavailable: int | str = 1,
    out: Iterable[str] = (),
    resumed: Collection[str] = (),
    single: Collection[str] = (),
    rooms: Mapping[str, HostRoom] | None = None,
) -> RolloutPlan:
    """Return the plan for the hosts of this run.

    ``changes`` is host -> the list of tgi_changes, in the inventory's order. ``elsewhere`` is
    model -> hosts that serve it and are not in this run. ``accepts`` is model -> whether it may
    be out of service. ``max_unavailable`` is how many replicas of a model may be out at a time: a
    number, or a share such as "25%". ``out`` are the replicas (model@host) that are out already,
    drained or unreachable: they count. ``resumed`` are those that an earlier run left out: they
    come first. ``single`` are those for which a gateway publishes no other one. ``rooms`` is host
    -> what it has to spare, for models without another replica.
    """
    steps: list[Step] = []
    problems: list[str] = []
    replicas, gone = _replicas(changes, elsewhere), set(out)
    for host, found in changes.items():
        for one in due(found):
            name = str(one["name"])
            others = [it for it in replicas[name] if it != host and f"{name}@{it}" not in gone]
            others = [] if f"{name}@{host}" in single else others
            here = (rooms or {}).get(host) or HostRoom()
            resumes = here.resumes(one)
            serves = (one["serves"] or resumes) and f"{name}@{host}" not in gone
            strategy = ROLLING if others else IN_PLACE if serves else UNSEEN
            asks = here.models and (strategy == IN_PLACE or resumes or one.get("target"))
            choice = here.choose(one) if asks else NONE
            strategy = BLUE_GREEN if choice.place else strategy
            steps.append(Step(host, name, strategy, _why(one), one.get("gap"), choice))
            if choice.must and choice.why:
                problems.append(_no_place(host, one, choice.why))
            elif strategy == IN_PLACE and not accepts.get(name):
                problems.append(_refuse(host, name, one, replicas[name]))
    room: dict[str, int] = {}
    for name in {step.model for step in steps if step.strategy == ROLLING}:
        missing = [it for it in replicas[name] if f"{name}@{it}" in gone]
        room[name] = _allowed(max_unavailable, len(replicas[name])) - len(missing)
        waiting = [one for one in steps if one.model == name and one.host not in missing]
        if room[name] < 1 and waiting:
            problems.append(_no_room(name, missing))
    first = [step for step in steps if f"{step.model}@{step.host}" in resumed]
    turns = [step for step in [*first, *steps] if step.strategy != BLUE_GREEN]
    batches = _batches(turns, room, gone)
    lines = plan_lines(changes, steps, batches)
    stops = [host for host, its in changes.items() if any(it["action"] == "stop" for it in its)]
    rest = [host for host in changes if host in stops or any(it.host == host for it in steps)]
    return RolloutPlan(tuple(steps), batches, tuple(lines), tuple(problems), tuple(rest))


def _unproven(one: Mapping[str, Any]) -> bool:
    return bool(one["returnable"] and not one["kept"])


def _why(one: Mapping[str, Any]) -> tuple[str, ...]:
    if one["action"] != "replace" and _unproven(one):
        return ("an earlier run did not prove it",)
    return tuple(str(text) for text in one["why"])


def _replicas(
    changes: Mapping[str, Sequence[Mapping[str, Any]]], elsewhere: Mapping[str, Sequence[str]]
) -> dict[str, tuple[str, ...]]:
    """Return model -> the hosts that have it now and keep it."""
    found: dict[str, list[str]] = {name: list(hosts) for name, hosts in elsewhere.items()}
    for host, its in changes.items():
        for one in its:
            if one["action"] != "stop" and (one["action"] != "start" or _unproven(one)):
                found.setdefault(str(one["name"]), []).append(host)
    return {name: tuple(hosts) for name, hosts in found.items()}


def _allowed(most: int | str, count: int) -> int:
    """Return how many of ``count`` replicas may be out: at least one, never all of several."""
    text = str(most)
    wanted = count * int(text[:-1]) // 100 if text.endswith("%") else int(text)
    return max(1, min(wanted, count - 1))


def _batches(
    steps: Iterable[Step], room: Mapping[str, int], gone: Collection[str]
) -> tuple[tuple[str, ...], ...]:
    """Put each host into the first batch in which it takes no model below what must serve."""
    models: dict[str, list[str]] = {}
    for step in steps:
        names = models.setdefault(step.host, [])
        if step.model in names:
            continue
        # A replica that is out, or has no other, takes nothing from the others
        if step.strategy == ROLLING and f"{step.model}@{step.host}" not in gone:
            names.append(step.model)
    batches: list[list[str]] = []
    taken: list[dict[str, int]] = []
    for host, names in models.items():
        fits = [all(used.get(name, 0) < room[name] for name in names) for used in taken]
        place = fits.index(True) if True in fits else len(batches)
        if place == len(batches):
            batches.append([])
            taken.append({})
        batches[place].append(host)
        for name in names:
            taken[place][name] = taken[place].get(name, 0) + 1
    return tuple(tuple(batch) for batch in batches)


def _no_room(name: str, missing: Sequence[str]) -> str:
    are = "is" if len(missing) == 1 else "are"
    what = f"{are} out of service already (drained or unreachable), and no more may be"
    remedy = "take it back first, or raise rollout_max_unavailable"
    return problem(f"{name} on {', '.join(missing)}", what, remedy)


def _no_place(host: str, one: Mapping[str, Any], why: str) -> str:
    what = f"cannot have another set of {one['name']} beside the one that serves: {why}"
    other = "write rollback_set" if one.get("target") else "write strategy: in_place in tgi_models"
    return problem(host, what, f"make room there, or {other}")


def _refuse(host: str, name: str, one: Mapping[str, Any], replicas: Sequence[str]) -> str:
    last = "" if one.get("gap") is None else f" (last time {one['gap']:.0f} s)"
    others = [it for it in replicas if it != host]
    are = "is" if len(others) == 1 else "are"
    gone = f", as {', '.join(others)} {are} out" if others else ""
    what = f"is the only replica of {name} that serves{gone}: replacing it takes {name} out{last}"
    remedy = "write accept_downtime: true for it in tgi_models, or add a replica on another host"
    return problem(host, what, remedy)
