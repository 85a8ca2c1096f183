"""Input and result of one inspection of a model, and what is remembered between two."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from ..engines.tgi.causes import Cause


@dataclass(frozen=True)
class Wanted:
    """A model to wait for. ``timeouts`` maps phases to seconds; missing ones have defaults."""

    name: str
    project: str
    url: str
    timeouts: Mapping[str, float] = field(default_factory=dict)


@dataclass
class Memory:
    """State that one inspection passes to the next; as a dict it survives module calls."""

    container: str = ""
    restarts: int = 0
    serving_since: float = 0.0
    late: int = 0
    """Probes without an answer in time."""

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
    """absent, one of PHASES, silent (running, phases hidden by the log level) or ready."""
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
