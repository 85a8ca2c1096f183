"""Measure how long this process itself stood still while it waited for an answer."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable
from typing import TypeVar

Result = TypeVar("Result")
#: Seconds between two looks at the clock.
_TICK = 0.005
#: Seconds by which timers are late on a machine with a free core.
_USUAL = 0.003


async def stalled(asked: Awaitable[Result]) -> tuple[Result, float]:
    """Return the result of ``asked``, and the share of its time that the process stood still.

    The share is 0 to 1. A machine without a free core stands still often, and then reads at once
    what arrived meanwhile.
    """
    loop = asyncio.get_running_loop()
    late = 0.0

    async def watch() -> None:
        nonlocal late
        while True:
            due = loop.time() + _TICK
            await asyncio.sleep(_TICK)
            over = loop.time() - due
            late += over if over > _USUAL else 0.0

    watcher = asyncio.create_task(watch())
    began = loop.time()
    try:
        result = await asked
        took = loop.time() - began
        # The watcher's own timer may be due since long
        await asyncio.sleep(0)
    finally:
        watcher.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await watcher
    return result, min(late / took, 1.0) if took > 0 else 0.0
