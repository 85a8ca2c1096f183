"""Check what a caller gets whose TLS names no host (SNI), as many balancers' does."""

from __future__ import annotations

import asyncio
import time

from ...client.answer import describe
from ..judges.http_answer import SEE_OTHERS
from ..results import MINOR, Outcome
from ..selection import CheckSpec
from . import tls_probe
from .endpoint_session import EndpointSession

_OTHER = (
    "Another program or balancer answers there. If it is your balancer, list its networks in "
    "gateway_trusted_proxies"
)


async def tls_sni(host: EndpointSession) -> Outcome:
    """Check that such a caller gets the certificate if that is declared, and none if not."""
    started = time.perf_counter()
    accepted = True
    try:
        await tls_probe.connect(host.client.target, tls_probe.trusting(), name="")
    except (OSError, asyncio.TimeoutError) as error:
        accepted = False
        # nginx says why; others hang up
        if "UNRECOGNIZED_NAME" not in str(error) and not isinstance(error, ConnectionResetError):
            said = describe(error)
            return Outcome(said, said, "", SEE_OTHERS, soft=True)
    ms = round((time.perf_counter() - started) * 1000)
    said = f"a handshake without a name is {'accepted' if accepted else 'refused'}"
    if accepted is host.declared.without_sni:
        return Outcome("", said, ms=ms)
    return Outcome(said, said, "", _OTHER if accepted else "", ms)


SPECS = (
    CheckSpec(
        "tls.sni", "tls", "without a name in the handshake: as gateway_without_sni says",
        "nginx refuses what gateway_without_sni allows, so a balancer's clients get 502: run the "
        "gateway role",
        tls_sni, stage=0, severity=MINOR, per_model=False, generates=False, apart=True,
    ),
)  # fmt: skip
