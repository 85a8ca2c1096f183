"""Fault `no-cancel`: a generation goes on, and keeps its place, after its client has left."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing
from typing import TypeVar

Item = TypeVar("Item")
_driving: set[asyncio.Task[None]] = set()
"""The event loop itself keeps no task alive."""


async def keep(
    work: AsyncGenerator[Item, None], held: Callable[[float], bool]
) -> AsyncGenerator[Item, None]:
    """Items of `work`, which is driven to its end even when this is closed before.

    Once it is closed, `work` stands still as long as `held` (seconds since then) says so.
    """
    queue: asyncio.Queue[Item | BaseException | None] = asyncio.Queue()
    left: list[float] = []

    async def drive() -> None:
        try:
            async with aclosing(work):
                async for item in work:
                    queue.put_nowait(item)
                    while left and held(time.monotonic() - left[0]):
                        await asyncio.sleep(0.05)
            queue.put_nowait(None)
        except Exception as error:
            queue.put_nowait(error)

    task = asyncio.create_task(drive())
    _driving.add(task)
    task.add_done_callback(_driving.discard)
    try:
        while (item := await queue.get()) is not None:
            if isinstance(item, BaseException):
                raise item
            yield item
    finally:
        left.append(time.monotonic())
