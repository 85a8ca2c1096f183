"""Show every few seconds how far long work is."""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable
from types import TracebackType

from ..weights.fetch_progress import progress_line

Say = Callable[[str], None]
#: Seconds between two lines, and those over which the rate is taken
_EVERY = 5.0
_WINDOW = 30.0


class Pulse:
    """Say a line when it changed, while a ``with`` block runs."""

    def __init__(self, say: Say, line: Callable[[], str], every: float = _EVERY) -> None:
        self._say, self._line, self._every = say, line, every
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)

    def __enter__(self) -> Pulse:
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._ended.set()
        self._thread.join()

    def _run(self) -> None:
        shown = ""
        while not self._ended.wait(self._every):
            try:
                line = self._line()
            except OSError:  # a file was renamed meanwhile
                continue
            if line and line != shown:
                shown = line
                self._say(line)


class Meter:
    """Word how far a step is: ``images: copy 1.2 GiB of 15.0 GiB (8 %), 80 MiB/s, 3 min left``."""

    def __init__(
        self,
        what: str,
        step: str,
        total: int,
        measure: Callable[[], int] | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._what, self._step, self._total = what, step, total
        self._clock = clock
        self._counted = 0
        self._lock = threading.Lock()
        self._measure = measure or (lambda: self._counted)
        self._first = self._measure()
        self._seen: deque[tuple[float, int]] = deque([(clock(), 0)])

    def add(self, count: int) -> None:
        """Count bytes, where nothing else measures them."""
        with self._lock:
            self._counted += count

    def line(self) -> str:
        """Return the line of this moment, "" where nothing is to be done."""
        if not self._total:
            return ""
        done, now = self._measure() - self._first, self._clock()
        self._seen.append((now, done))
        while now - self._seen[0][0] > _WINDOW and len(self._seen) > 2:
            self._seen.popleft()
        before, first = self._seen[0]
        rate = (done - first) / (now - before) if now > before else 0.0
        value = {
            "what": self._what,
            "step": self._step,
            "done": min(done, self._total),
            "total": self._total,
            "rate": rate,
        }
        return progress_line(value)
