"""Run the checks without a network and without waiting, for fuzz tests."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import Any

import httpx
import pytest
from ansible.module_utils.tgi.checks.endpoint import tls_certificate
from ansible.module_utils.tgi.checks.endpoint.endpoint_session import Tier
from ansible.module_utils.tgi.checks.results import Report
from ansible.module_utils.tgi.checks.run import Options, check

from tests.support.fakes.gateway import KEY, NAME, Engine, FakeGateway
from tests.support.fast_time import patch_time
from tests.support.in_memory_tgi import MODEL, InMemoryTgi
from tests.support.tls_pairs import LASTING

VIEWS = {
    "direct": Options("direct", "gpu1", [MODEL]),
    "edge": Options("edge", "gw1", [MODEL], f"https://{NAME}", api_key=KEY, tier=Tier(20, 10, 4),
                    http_port=8080),
}  # fmt: skip


def server_of(view: str) -> Engine:
    """Return a sound server for a view."""
    return InMemoryTgi() if view == "direct" else FakeGateway()


def run_quietly(view: str, handle: Any) -> Report:
    """Run all checks of a view in fast time, with ``handle`` instead of the network."""
    transport = httpx.MockTransport(handle)
    return asyncio.run(check(replace(VIEWS[view], transport=transport)))


def no_network(patch: pytest.MonkeyPatch) -> None:
    """Let the checks' clocks follow the fast loop, fake TLS, and block the network."""

    async def refused(*_: Any, **__: Any) -> Any:
        raise ConnectionRefusedError("Connection refused")

    async def verified(_: Any) -> tls_certificate.Handshake:
        return tls_certificate.Handshake(LASTING, "TLSv1.3")

    patch_time(patch)
    patch.setattr(asyncio, "open_connection", refused)
    patch.setattr(tls_certificate, "handshake", verified)


def unprintable(text: str) -> str:
    """Return the characters of a line that a terminal must not receive."""
    return "".join(one for one in text if not one.isprintable())
