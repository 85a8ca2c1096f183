"""Write how far a fetch is, so that another process can show it."""

from __future__ import annotations

import contextlib
import json
import threading
import time
from collections import deque
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from ..common.file_system import size
from ..common.files import read

#: Seconds between two writes, and those over which the rate is taken
_EVERY = 1.0
_WINDOW = 30.0


class FetchProgress:
    """Count bytes from all threads; ``throttle`` is the most bytes a second, 0 for no limit."""

    def __init__(
        self,
        path: Path,
        what: str,
        throttle: float = 0,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._path, self._what = path, what
        self._throttle, self._clock, self._sleep = throttle, clock, sleep
        self._lock = threading.Lock()
        self._seen: deque[tuple[float, int]] = deque([(clock(), 0)])
        self._written = clock() - _EVERY
        self._free_at = clock()
        self._values: dict[str, Any] = {"what": what, "step": "list", "done": 0, "total": 0}
        self._moved = 0

    def begin(self, step: str, total: int, done: int = 0) -> None:
        """Start a step of ``total`` bytes, ``done`` of which are there."""
        with self._lock:
            self._values.update(step=step, total=total, done=done, note="")
            self._seen = deque([(self._clock(), 0)])
            self._moved = 0
            self._show(force=True)

    def end(self) -> None:
        """Remove the file: there is nothing more to watch."""
        with self._lock, contextlib.suppress(FileNotFoundError):
            self._path.unlink()

    def note(self, text: str) -> None:
        """Say what the fetch waits for."""
        with self._lock:
            self._values["note"] = text
            self._show(force=True)

    def back(self, count: int) -> None:
        """Take bytes back that were in vain."""
        with self._lock:
            self._values["done"] -= count

    def held(self, count: int) -> None:
        """Count bytes that an earlier run left; they say nothing of the rate."""
        with self._lock:
            self._values["done"] += count
            self._show()

    def verified(self, count: int) -> None:
        """Count bytes that were read to prove them."""
        self._count(count, count)

    def add(self, count: int) -> None:
        """Count bytes that came and are proven, and wait where they come too fast."""
        self._limit(self._count(count, count), count)

    def moved(self, count: int) -> None:
        """Count bytes that came; they are done when they are proven."""
        self._limit(self._count(count, 0), count)

    def _count(self, count: int, done: int) -> float:
        with self._lock:
            now = self._clock()
            self._values["done"] += done
            self._values["note"] = ""
            self._moved += count
            self._seen.append((now, self._moved))
            while now - self._seen[0][0] > _WINDOW and len(self._seen) > 2:
                self._seen.popleft()
            self._show()
        return now

    def _limit(self, now: float, count: int) -> None:
        if not self._throttle:
            return
        with self._lock:
            self._free_at = max(self._free_at, now) + count / self._throttle
            wait = self._free_at - now
        if wait > 0:
            self._sleep(wait)

    def rate(self) -> float:
        """Return bytes a second of the last half minute."""
        (before, first), (now, last) = self._seen[0], self._seen[-1]
        return (last - first) / (now - before) if now > before else 0.0

    def _show(self, force: bool = False) -> None:
        now = self._clock()
        if force or now - self._written >= _EVERY:
            self._written = now
            value = {**self._values, "rate": self.rate()}
            # Not to disk: it says nothing after a crash
            growing = self._path.with_name(f".{self._path.name}.growing")
            growing.write_text(json.dumps(value))
            growing.replace(self._path)


def read_progress(path: Path) -> dict[str, Any]:
    """Return the last values; empty when there are none."""
    try:
        value = json.loads(read(path))
    except ValueError:
        return {}
    return value if isinstance(value, dict) else {}


def progress_line(value: Mapping[str, Any]) -> str:
    """Return a line, as ``org/name: fetch 1.2 GiB of 15.0 GiB (8 %), 80 MiB/s, 3 min left``."""
    done, total, rate = (float(value.get(name) or 0) for name in ("done", "total", "rate"))
    parts = [f"{value.get('what')}: {value.get('step')}"]
    if total:
        parts[0] += f" {size(int(done))} of {size(int(total))} ({100 * done / total:.0f} %)"
    if value.get("note"):
        parts.append(str(value["note"]))
    elif rate and total:
        parts += [f"{size(int(rate))}/s", f"{_duration((total - done) / rate)} left"]
    return ", ".join(parts)


def _duration(seconds: float) -> str:
    if seconds < 60:
        return f"{max(seconds, 0):.0f} s"
    minutes = round(seconds / 60)
    return f"{minutes} min" if minutes < 120 else f"{minutes // 60} h {minutes % 60} min"
