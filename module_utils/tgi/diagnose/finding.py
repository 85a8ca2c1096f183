"""Findings about the links of the chain between a client and a model."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from ..checks.accepted import Accepted

OK, WARNING, BROKEN = "ok", "warning", "broken"
NOT_REACHED, UNKNOWN = "not reached", "unknown"


@dataclass(frozen=True)
class Found:
    """A judge's result for one link. ``code`` is the kind of fault.

    ``past``: a log says it, not an answer of now.
    """

    state: str
    seen: str = ""
    code: str = ""
    remedy: str = ""
    past: bool = False


def ok(seen: str) -> Found:
    return Found(OK, seen)


def broken(code: str, seen: str, remedy: str) -> Found:
    return Found(BROKEN, seen, code, remedy)


def logged(code: str, seen: str, remedy: str) -> Found:
    """Return what a log says: broken if it explains a link that is broken now, else a warning."""
    return Found(BROKEN, seen, code, remedy, past=True)


def warning(code: str, seen: str, remedy: str) -> Found:
    """Return a link that works, with something to put right all the same."""
    return Found(WARNING, seen, code, remedy)


def not_reached(seen: str = "") -> Found:
    """Return a link that was not tried, because one before it is broken."""
    return Found(NOT_REACHED, seen)


def unknown(seen: str) -> Found:
    """Return a link that could not be inspected; that is no sign of a fault."""
    return Found(UNKNOWN, seen)


@dataclass(frozen=True)
class Finding:
    """One line of the report. ``models`` are the names of the models that use the link."""

    link: str
    title: str
    host: str
    model: str
    models: frozenset[str]
    found: Found

    @property
    def name(self) -> str:
        """Return a name such as ``container of llama-3.1-8b``."""
        return f"{self.title} of {self.model}" if self.model else self.title

    @property
    def is_broken(self) -> bool:
        return self.found.state == BROKEN


@dataclass(frozen=True)
class Limits:
    """Seconds: above ``ttft`` or ``tpot`` an answer is slow, above ``skew`` clocks differ."""

    ttft: float = 5.0
    tpot: float = 0.2
    skew: float = 60.0


@dataclass(frozen=True)
class Picture:
    """All observations: each gateway as a client sees it, and the hosts themselves."""

    clients: Sequence[Mapping[str, Any]] = ()
    gateways: Sequence[Mapping[str, Any]] = ()
    gpus: Sequence[Mapping[str, Any]] = ()
    limits: Limits = Limits()
    #: checks_accepted, and the day on which it is read
    accepted: Sequence[Accepted] = ()
    today: date = date.min

    def known(self, check: str, model: str) -> Accepted | None:
        """Return the entry that accepts a check's failure for a model."""
        fitting = (one for one in self.accepted if one.check == check)
        return next((one for one in fitting if one.model in ("", model)), None)

    def names(self) -> frozenset[str]:
        """Return the names of all observed models."""
        sides = [*self.clients, *self.gateways, *self.gpus]
        return frozenset(str(one["name"]) for side in sides for one in models_of(side))

    def direct(self, name: str) -> list[Mapping[str, Any]]:
        """Return a model as each of its GPU hosts sees it."""
        return [one for host in self.gpus for one in models_of(host) if one["name"] == name]


@dataclass(frozen=True)
class Scene:
    """Input of a judge: one side's observation, the model, and the whole picture."""

    own: Mapping[str, Any]
    model: Mapping[str, Any]
    picture: Picture

    @property
    def host(self) -> str:
        return str(self.own.get("host") or "")


def models_of(side: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """Return the models in an observation; none if the host could not be inspected."""
    return list(side.get("models") or [])
