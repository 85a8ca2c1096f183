"""Choose where a new set starts beside the old one, or say why it cannot.

A new set needs a port, GPUs and memory of its own, and gateways that publish its address: then
clients notice nothing. What a person wrote into tgi_models (port, gpus) stays as it is.
"""

from __future__ import annotations

import itertools
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from ..common.places import other_project

AUTO, IN_PLACE, BLUE_GREEN = "auto", "in_place", "blue_green"


class Choice(NamedTuple):
    """Where the new set of a model starts: port, url, project and gpus, or None and why not.

    ``must`` is whether it may not be replaced in place instead. ``clears`` is whether a container
    that nothing uses has to leave that place first.
    """

    place: dict[str, Any] | None
    why: str = ""
    must: bool = False
    clears: bool = False


#: Where nothing was to choose
NONE = Choice(None)


@dataclass
class HostRoom:
    """What one GPU host has to spare; each choice takes its share."""

    #: The fact tgi_host.models, and the list of tgi_changes
    models: Sequence[Mapping[str, Any]] = ()
    changes: Sequence[Mapping[str, Any]] = ()
    #: The facts tgi_host.gpus and tgi_host.cdi, and tgi_room
    gpus: Sequence[Mapping[str, Any]] = ()
    cdi: Collection[str] = ()
    room: Mapping[str, Any] = field(default_factory=dict)
    base_port: int = 0
    #: Name -> auto, in_place or blue_green
    wishes: Mapping[str, str] = field(default_factory=dict)
    #: Why no gateway can publish another address in this run; "" if all can
    obstacle: str = ""
    #: Name -> ports of this host at which gateways publish the model
    published: Mapping[str, Collection[int]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Begin with what is taken."""
        self._ports = {*self.room.get("ports", ()), *(one["port"] for one in self.changes)}
        self._memory = self.room.get("memory")
        self._taken: dict[str, set[str]] = {}
        for one in [*self.models, *self.changes]:
            self._taken.setdefault(one["name"], set()).update(one["gpus"])

    def resumes(self, one: Mapping[str, Any]) -> bool:
        """Return whether an earlier run began it, and the container before still serves."""
        beside = one.get("beside") or {}
        return bool(beside.get("runs")) and beside["port"] in self.published.get(one["name"], ())

    def choose(self, one: Mapping[str, Any]) -> Choice:
        """Return the choice for a change of tgi_changes, whose model has no other replica."""
        name = str(one["name"])
        model = next(it for it in self.models if it["name"] == name)
        target, beside = one.get("target"), one.get("beside")
        wish = BLUE_GREEN if target else self.wishes.get(name, AUTO)
        must = wish == BLUE_GREEN
        if self.obstacle:
            return Choice(None, self.obstacle, must)
        ports = set(self.published.get(name, ()))
        if beside and beside["port"] in ports:
            if ports != {beside["port"]} or target:
                return Choice(None, _HALF, must=True)
            # A run before has begun it: what is written now is not published anywhere yet
            return Choice(_place(model["port"], model["project"], model["gpus"]))
        if why := self._why_not(one, model, wish):
            return Choice(None, why, must)
        spare = self._spare(one, beside)
        want = target or self._free(one, model, spare)
        if isinstance(want, str):
            return Choice(None, want, must)
        if lacking := self._lacking(want, one, spare, beside):
            return Choice(None, lacking, must)
        self._take(name, want, one)
        return Choice(_place(want["port"], want["project"], want["gpus"]), clears=bool(beside))

    def _why_not(self, one: Mapping[str, Any], model: Mapping[str, Any], wish: str) -> str:
        if wish == IN_PLACE:
            return "as its strategy says"
        # Of a set to go back to, neither counts: it has its place
        pinned = [] if one.get("target") else list(model["pinned"])
        if "port" in pinned and model["port"] == one["port"]:
            return f"its port {model['port']} is written in tgi_models"
        if "gpus" in pinned and model["gpus"]:
            return "its gpus are written in tgi_models"
        if not model["gpus"] and wish == AUTO:
            return "without a GPU two of it would share the processors"
        held, left = one.get("memory"), self._memory
        if held is not None and left is not None and held > left:
            return f"no memory (it holds {_gib(held)} GiB, {_gib(left)} are available)"
        return ""

    def _spare(self, one: Mapping[str, Any], beside: Mapping[str, Any] | None) -> list[str]:
        """Return the GPUs that no model has or will have, and on which no process runs."""
        name = one["name"]
        others = {gpu.lower() for its, gpus in self._taken.items() if its != name for gpu in gpus}
        held = others | {gpu.lower() for gpu in one["gpus"]}
        cleared = {str(gpu).lower() for gpu in (beside or {}).get("gpus", ())}
        kinds = [gpu for gpu in self.gpus if _names(gpu) & {str(it).lower() for it in one["gpus"]}]
        found = []
        for gpu in self.gpus:
            names = _names(gpu)
            busy = gpu["uuid"] in self.room.get("busy", ()) and not names & cleared
            offered = not self.cdi or f"nvidia.com/gpu={gpu['index']}" in self.cdi
            same = not kinds or any(_kind(gpu) == _kind(own) for own in kinds)
            if same and offered and not (gpu["mig"] or busy or names & held):
                found.append(str(gpu["index"]))
        return found

    def _free(
        self, one: Mapping[str, Any], model: Mapping[str, Any], spare: Sequence[str]
    ) -> dict[str, Any] | str:
        """Return a place that is free, or what is missing."""
        wanted = len(model["gpus"])
        if len(spare) < wanted:
            are = "is" if len(spare) == 1 else "are"
            return f"no spare GPU (wants {wanted}, {len(spare)} {are} free)"
        if "port" in model["pinned"]:
            port = model["port"]  # Another one than it has, or it would not be free
        else:
            used = self._ports | {it["port"] for it in self.models}
            port = next(free for free in itertools.count(self.base_port) if free not in used)
        project = other_project(str(one["name"]), str(one["project"]))
        return {"port": port, "project": project, "gpus": list(spare[:wanted])}

    def _lacking(
        self,
        want: Mapping[str, Any],
        one: Mapping[str, Any],
        spare: Sequence[str],
        beside: Mapping[str, Any] | None,
    ) -> str:
        """Return why a place is not free, "" if it is."""
        name = one["name"]
        own = {int(beside["port"])} if beside else set()
        used = self._ports | {it["port"] for it in self.models if it["name"] != name}
        if want["port"] in used - own:
            return f"its port {want['port']} is in use"
        indices = {_index(gpu, self.gpus) for gpu in want["gpus"]}
        missing = sorted(indices - set(spare))
        return f"GPU {', '.join(missing)}, which it had, is in use" if missing else ""

    def _take(self, name: str, want: Mapping[str, Any], one: Mapping[str, Any]) -> None:
        self._ports.add(want["port"])
        self._taken.setdefault(name, set()).update(want["gpus"])
        if self._memory is not None:
            self._memory -= one.get("memory") or 0


_HALF = (
    "gateways publish what an earlier run left beside it; run site.yml as it was then, which ends "
    "that change, and then this"
)


def _place(port: int, project: str, gpus: Sequence[str]) -> dict[str, Any]:
    url = f"http://127.0.0.1:{port}"
    return {"port": port, "url": url, "project": project, "gpus": list(gpus)}


def _names(gpu: Mapping[str, Any]) -> set[str]:
    return {str(gpu["index"]), str(gpu["uuid"]).lower()}


def _kind(gpu: Mapping[str, Any]) -> tuple[Any, ...]:
    return gpu["name"], gpu["memory_mib"], gpu["compute_cap"]


def _index(named: str, gpus: Sequence[Mapping[str, Any]]) -> str:
    return next((str(gpu["index"]) for gpu in gpus if named.lower() in _names(gpu)), named)


def _gib(size: int) -> str:
    return f"{size / 2**30:.1f}"


def moved(models: Sequence[Mapping[str, Any]], places: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return ``models`` of the fact tgi_host with places from name -> port, url, project, gpus."""
    return [{**model, **places.get(model["name"], {})} for model in models]
