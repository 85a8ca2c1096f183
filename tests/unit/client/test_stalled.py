"""Measure a process that stands still while it waits."""

from __future__ import annotations

import asyncio
import time

import pytest
from ansible.module_utils.tgi.client.stalled import stalled


async def _wait(seconds: float, blocked: float) -> str:
    await asyncio.sleep(seconds)
    # Nothing else of this process runs meanwhile, as on a machine without a free core
    time.sleep(blocked)
    await asyncio.sleep(seconds)
    return "text"


def test_waiting_is_not_standing_still() -> None:
    # Of several tries one finds a free core
    shares = [asyncio.run(stalled(_wait(0.05, 0)))[1] for _ in range(5)]
    assert min(shares) < 0.2


def test_a_blocked_process_stood_still() -> None:
    text, share = asyncio.run(stalled(_wait(0.02, 0.2)))
    assert text == "text"
    assert 0.5 < share <= 1.0


def test_an_error_passes_and_ends_the_watch() -> None:
    async def fail() -> None:
        raise ValueError("no")

    async def run() -> int:
        with pytest.raises(ValueError, match="no"):
            await stalled(fail())
        return len(asyncio.all_tasks())

    assert asyncio.run(run()) == 1
