"""Faults that come with the age of a process: `die-after`, `hang-after`, `slower`."""

from __future__ import annotations

import time

from .faults import Faults


class Age:
    """How long this process has served, and by how much `slower` has slowed it down."""

    def __init__(self, faults: Faults) -> None:
        self._faults, self._began, self._slow = faults, time.monotonic(), 0.0

    def begin(self) -> None:
        """It listens from now on."""
        self._began = time.monotonic()

    def reached(self, name: str) -> bool:
        """Tell whether the fault is active and its seconds have passed."""
        active = self._faults.get(name) is not None
        return active and time.monotonic() - self._began >= self._faults.seconds(name)

    def slower(self) -> float:
        """Return by how many seconds the next token comes late; call it once for each token."""
        step = self._faults.seconds("slower")
        self._slow = self._slow + step if step else 0.0
        return self._slow
