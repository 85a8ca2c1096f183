"""Input and result of one inspection of a model, and what is remembered between two."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

from ..common.places import compose_project
from ..engines.tgi.causes import Cause
from ..engines.tgi.phases import DEADLINES


@dataclass(frozen=True)
class Wanted:
    """A model to wait for. ``timeouts`` maps phases to seconds; missing ones have defaults."""

    name: str
    project: str
    url: str
    timeouts: Mapping[str, float] = field(default_factory=dict)
    steady: float = 0.0
    """Seconds for which it must go on generating before it counts as ready."""


def wanted(params: Mapping[str, Any], steady: float) -> list[Wanted]:
    """Return the models to wait for, from the options of the module ``tgi_wait``.

    Raises ValueError for a URL that is not http://HOST:PORT.
    """
    models = []
    for model in params["models"]:
        url = urlsplit(model["url"])
        if url.scheme != "http" or not url.hostname:
            raise ValueError(
                f"model {model['name']}: url is {model['url']!r}; write http://HOST:PORT"
            )
        timeouts = dict(DEADLINES)
        for given in (params["timeouts"], model["timeouts"]):
            timeouts.update({k: v for k, v in (given or {}).items() if v is not None})
        project = model["project"] or compose_project(model["name"])
        models.append(Wanted(model["name"], project, model["url"], timeouts, steady))
    return models


@dataclass
class Memory:
    """State that one inspection passes to the next; as a dict it survives module calls."""

    container: str = ""
    restarts: int = 0
    serving_since: float = 0.0
    late: int = 0
    """Probes without an answer in time."""
    started: float = 0.0
    """When this run of the container began."""
    ready_since: float = 0.0
    """When this run first generated a token, as far as is known; 0.0: never."""

    @classmethod
    def load(cls, raw: Any) -> Memory:
        """Return a memory from an earlier ``dump()``; an empty one from anything else."""
        if not isinstance(raw, dict):
            return cls()
        return cls(
            str(raw.get("container", "")),
            int(raw.get("restarts") or 0),
            float(raw.get("serving_since") or 0),
            int(raw.get("late") or 0),
            float(raw.get("started") or 0),
            float(raw.get("ready_since") or 0),
        )

    def dump(self) -> dict[str, Any]:
        """Return a dict of plain values."""
        return dict(vars(self))


@dataclass(frozen=True)
class Failure:
    """The reason why the wait for a model failed."""

    cause: str
    text: str
    remedy: str
    exit_code: int | None = None
    evidence: tuple[str, ...] = ()


@dataclass(frozen=True)
class Status:
    """The result of one inspection of a model."""

    name: str
    phase: str
    """absent, one of PHASES, silent (running, phases hidden by the log level), steady or ready.

    steady: it generates, and is watched until it has done so for long enough. For a failed model:
    it failed after it was ready.
    """
    ready: bool = False
    elapsed: float = 0.0
    """Seconds in this phase; of a ready model: since its container started."""
    allowed: float = 0.0
    detail: str = ""
    container: str = ""
    restarts: int = 0
    failure: Failure | None = None
    warnings: tuple[Cause, ...] = ()
    """What is not as asked though the model is ready."""
