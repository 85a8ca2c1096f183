"""Keep to a declared rate limit on the client's side, so that checks do not exceed it."""

from __future__ import annotations

import asyncio
import time


class Pacer:
    """A token bucket with a limit on concurrency, used as ``async with pacer``.

    ``rate`` is requests per second (0: unlimited), ``burst`` the requests that may come at once,
    ``concurrent`` those at a time (0: 8). It stays one below the declared concurrency: a server
    frees a slot a moment after its last byte has arrived.
    """

    def __init__(self, rate: float = 0.0, burst: int = 0, concurrent: int = 0) -> None:
        self.rate, self.burst = rate, burst
        self.width = max(1, min(concurrent - 1 if concurrent else 8, 8))
        self._level = float(max(1, burst))
        self._seen = time.monotonic()
        self._slots: asyncio.Semaphore | None = None
        self._turn: asyncio.Lock | None = None

    def available(self) -> float:
        """Return how many requests the server must still admit at once."""
        now = time.monotonic()
        self._level = min(max(1.0, self.burst), self._level + (now - self._seen) * self.rate)
        self._seen = now
        return self._level

    def spend(self, count: int) -> None:
        """Count requests that did not wait."""
        self._level = max(0.0, self.available() - count)

    async def __aenter__(self) -> None:
        # Made here, because Python 3.9 binds them to the running loop
        if self._slots is None or self._turn is None:
            self._slots, self._turn = asyncio.Semaphore(self.width), asyncio.Lock()
        await self._slots.acquire()
        if not self.rate:
            return
        async with self._turn:
            while self.available() < 1.0:
                await asyncio.sleep((1.0 - self._level) / self.rate + 0.005)
            self._level -= 1.0

    async def __aexit__(self, *_: object) -> None:
        if self._slots is not None:
            self._slots.release()
