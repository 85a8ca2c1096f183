"""Keep to a declared rate and concurrency."""

from __future__ import annotations

import asyncio
import time

from ansible.module_utils.tgi.client.rate_limiter import Pacer


def test_pacing_keeps_rate_and_concurrency() -> None:
    async def work() -> tuple[float, int]:
        pacer, most, now = Pacer(rate=50, burst=5, concurrent=3), 0, 0

        async def one() -> None:
            nonlocal most, now
            async with pacer:
                now += 1
                most = max(most, now)
                await asyncio.sleep(0.001)
                now -= 1

        started = time.monotonic()
        await asyncio.gather(*(one() for _ in range(15)))
        return time.monotonic() - started, most

    seconds, most = asyncio.run(work())
    assert 10 / 50 * 0.9 <= seconds < 10
    assert most <= 2
