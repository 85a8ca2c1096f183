"""Let time pass without waiting: an event loop jumps ahead, and clocks follow it.

Use it where a test's subject is not real time: a slow machine then changes nothing.
"""

from __future__ import annotations

import asyncio
import contextlib
import sys
import time
from collections.abc import Coroutine, Iterator
from types import SimpleNamespace
from typing import Any, ClassVar, TypeVar

import pytest
from ansible.module_utils.tgi.checks import run  # noqa: F401  (loads every module with a clock)
from ansible.module_utils.tgi.client import fixed_address, http_client

T = TypeVar("T")
OURS = ("ansible.module_utils.tgi.", "tests.support.", "tgi_emulator.")


class FastLoop(asyncio.SelectorEventLoop):
    """An event loop whose clock jumps to the next timer when nothing else is left to do."""

    #: One clock for all loops, so that it never goes back.
    now: ClassVar[float] = 1000.0

    def time(self) -> float:
        return FastLoop.now

    def _run_once(self) -> None:
        waiting: list[Any] = self._scheduled  # type: ignore[attr-defined]
        if not self._ready and waiting:  # type: ignore[attr-defined]
            FastLoop.now = max(FastLoop.now, waiting[0].when())
        super()._run_once()  # type: ignore[misc]


def run_fast(work: Coroutine[Any, Any, T], **_: Any) -> T:
    """Run like asyncio.run, in a FastLoop, and cancel what is left over."""
    loop = FastLoop()
    try:
        return loop.run_until_complete(work)
    finally:
        left = asyncio.all_tasks(loop)
        for task in left:
            task.cancel()
        if left:
            loop.run_until_complete(asyncio.gather(*left, return_exceptions=True))
        loop.run_until_complete(loop.shutdown_asyncgens())
        loop.close()


def patch_time(patch: pytest.MonkeyPatch) -> None:
    """Let asyncio.run use a FastLoop, and let our modules' clocks follow it.

    A blocking sleep moves the clock ahead, too. The code under test must not use real sockets,
    threads or processes.
    """

    def clock() -> float:
        return FastLoop.now

    def sleep(seconds: float) -> None:
        FastLoop.now += seconds

    fast = SimpleNamespace(**vars(time))
    fast.monotonic = fast.perf_counter = clock
    fast.sleep = sleep
    for name, module in list(sys.modules.items()):
        if name.startswith(OURS) and name != __name__ and getattr(module, "time", None) is time:
            patch.setattr(module, "time", fast)
    patch.setattr(asyncio, "run", run_fast)
    patch.setattr(fixed_address, "run", lambda work, _pins: run_fast(work))
    # Reading the system's CAs costs more than a whole run without waiting
    make, context = http_client.tls_context, http_client.tls_context()
    patch.setattr(http_client, "tls_context", lambda *own: make(*own) if any(own) else context)


@contextlib.contextmanager
def fast_time() -> Iterator[None]:
    """Patch the time for a block."""
    with pytest.MonkeyPatch.context() as patch:
        patch_time(patch)
        yield
