"""Whole runs of the checks without a network and without waiting, for the fuzz."""

from __future__ import annotations

import asyncio
import sys
import time
from collections.abc import Coroutine
from dataclasses import replace
from types import SimpleNamespace
from typing import Any, TypeVar

import httpx
import pytest
from ansible.module_utils.tgi.checks.endpoint import tls_certificate
from ansible.module_utils.tgi.checks.endpoint.endpoint_session import Tier
from ansible.module_utils.tgi.checks.results import Report
from ansible.module_utils.tgi.checks.run import Options, check
from ansible.module_utils.tgi.client import http_client

from tests.support.fakes.gateway import KEY, NAME, FakeGateway
from tests.support.fakes.tgi import MODEL, FakeTgi

T = TypeVar("T")
VIEWS = {
    "direct": Options("direct", "gpu1", [MODEL]),
    "edge": Options("edge", "gw1", [MODEL], f"https://{NAME}", api_key=KEY, tier=Tier(20, 10, 4),
                    http_port=8080),
}  # fmt: skip


def fake_of(view: str) -> FakeTgi:
    return FakeTgi() if view == "direct" else FakeGateway()


def run_quietly(view: str, handle: Any) -> Report:
    """A run of all checks of a view with ``handle`` in the network's place, in fast time."""
    transport = httpx.MockTransport(handle)
    return run_fast(check(replace(VIEWS[view], transport=transport)))


class FastLoop(asyncio.SelectorEventLoop):
    """An event loop that does not wait: when nothing is to be done its clock jumps ahead."""

    now = 1000.0

    def time(self) -> float:
        return self.now

    def _run_once(self) -> None:
        waiting: list[Any] = self._scheduled  # type: ignore[attr-defined]
        if not self._ready and waiting:  # type: ignore[attr-defined]
            self.now = max(self.now, waiting[0].when())
        super()._run_once()  # type: ignore[misc]


def run_fast(work: Coroutine[Any, Any, T]) -> T:
    """Like asyncio.run, in a FastLoop; whatever is left over is cancelled."""
    loop = FastLoop()
    try:
        return loop.run_until_complete(work)
    finally:
        for task in asyncio.all_tasks(loop):
            task.cancel()
        loop.run_until_complete(asyncio.sleep(0))
        loop.close()


def no_network(patch: pytest.MonkeyPatch) -> None:
    """The checks' clocks follow the fast loop, TLS is sound, and nothing else is reached."""

    def clock() -> float:
        loop = asyncio._get_running_loop()
        return loop.time() if loop else FastLoop.now

    async def refused(*_: Any, **__: Any) -> Any:
        raise ConnectionRefusedError("Connection refused")

    async def verified(_: Any) -> tls_certificate.Handshake:
        return tls_certificate.Handshake({"notAfter": "Jan  1 00:00:00 2099 GMT"}, "TLSv1.3")

    fast = SimpleNamespace(**{**vars(time), "monotonic": clock, "perf_counter": clock})
    for name, module in list(sys.modules.items()):
        ours = name.startswith(("ansible.module_utils.tgi.", "tests.support.fakes."))
        if ours and getattr(module, "time", None) is time:
            patch.setattr(module, "time", fast)
    patch.setattr(asyncio, "open_connection", refused)
    patch.setattr(tls_certificate, "handshake", verified)
    context = http_client.tls_context()
    patch.setattr(http_client, "tls_context", lambda *_: context)


def unprintable(text: str) -> str:
    """The characters of a report's line that a terminal should not be given."""
    return "".join(one for one in text if not one.isprintable())
