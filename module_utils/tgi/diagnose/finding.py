"""What is known of one link of the chain between a client and a model."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

OK, BROKEN, NOT_REACHED, UNKNOWN = "ok", "broken", "not reached", "unknown"


@dataclass(frozen=True)
class Found:
    """A judge's word on one link. ``code`` names what is broken, for what it may explain."""

    state: str
    seen: str = ""
    code: str = ""
    remedy: str = ""


def ok(seen: str) -> Found:
    return Found(OK, seen)


def broken(code: str, seen: str, remedy: str) -> Found:
    return Found(BROKEN, seen, code, remedy)


def not_reached(seen: str = "") -> Found:
    """Not tried, for what comes before it is broken."""
    return Found(NOT_REACHED, seen)


def unknown(seen: str) -> Found:
    """Could not be looked at, which is no sign of anything being wrong."""
    return Found(UNKNOWN, seen)


@dataclass(frozen=True)
class Finding:
    """One line of the report. ``models`` are the names that the link matters to."""

    link: str
    title: str
    host: str
    model: str
    models: frozenset[str]
    found: Found

    @property
    def name(self) -> str:
        """Such as ``container of llama-3.1-8b``."""
        return f"{self.title} of {self.model}" if self.model else self.title

    @property
    def is_broken(self) -> bool:
        return self.found.state == BROKEN


@dataclass(frozen=True)
class Limits:
    """Above these an answer is slow (seconds); clocks further apart than ``skew`` differ."""

    ttft: float = 5.0
    tpot: float = 0.2
    skew: float = 60.0


@dataclass(frozen=True)
class Picture:
    """All observations: of each gateway as a client sees it, and of the hosts themselves."""

    clients: Sequence[Mapping[str, Any]] = ()
    gateways: Sequence[Mapping[str, Any]] = ()
    gpus: Sequence[Mapping[str, Any]] = ()
    limits: Limits = Limits()

    def names(self) -> frozenset[str]:
        """The names of all models that anybody has seen."""
        sides = [*self.clients, *self.gateways, *self.gpus]
        return frozenset(str(one["name"]) for side in sides for one in models_of(side))

    def direct(self, name: str) -> list[Mapping[str, Any]]:
        """A model as each of its GPU hosts sees it."""
        return [one for host in self.gpus for one in models_of(host) if one["name"] == name]


@dataclass(frozen=True)
class Scene:
    """What a judge looks at: one side's observation, the model concerned, and all the rest."""

    own: Mapping[str, Any]
    model: Mapping[str, Any]
    picture: Picture

    @property
    def host(self) -> str:
        return str(self.own.get("host") or "")


def models_of(side: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """The models in an observation; none where it could not be made."""
    return list(side.get("models") or [])
