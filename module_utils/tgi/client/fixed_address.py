"""Connect to a given address while URL, Host and SNI stay the server's name.

The event loop does it, because httpx before 0.24 has no ``sni_hostname``. This works for every
version, and for the plain TLS connection of the certificate check.
"""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine, Mapping
from typing import Any, TypeVar

T = TypeVar("T")


class PinnedLoop(asyncio.SelectorEventLoop):
    """An event loop that resolves some names to fixed addresses (or to other names)."""

    def __init__(self, pins: Mapping[str, str]) -> None:
        super().__init__()
        self._pins = {name.lower(): address for name, address in pins.items() if address}

    async def getaddrinfo(self, host: Any, port: Any, **options: Any) -> Any:
        name = host.decode("ascii", "replace") if isinstance(host, bytes) else host
        return await super().getaddrinfo(
            self._pins.get((name or "").lower(), host), port, **options
        )


def run(work: Coroutine[Any, Any, T], pins: Mapping[str, str]) -> T:
    """Run ``work`` like ``asyncio.run``, with ``pins`` {server name: address to connect to}."""
    loop = PinnedLoop(pins)
    try:
        asyncio.set_event_loop(loop)
        return loop.run_until_complete(work)
    finally:
        left = asyncio.all_tasks(loop)
        for task in left:
            task.cancel()
        loop.run_until_complete(asyncio.gather(*left, return_exceptions=True))
        loop.run_until_complete(loop.shutdown_asyncgens())
        asyncio.set_event_loop(None)
        loop.close()
