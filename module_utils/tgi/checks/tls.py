"""The certificate, looked at in a connection of its own, so that a failure has a clear cause."""

from __future__ import annotations

import asyncio
import ssl
import time
from dataclasses import dataclass
from typing import Any

from ..answer import describe
from ..client import tls_context
from .host import Host
from .report import Outcome, trim

_CAUSES = {
    10: ("the certificate has expired", "Renew it and run the gateway role"),
    9: ("the certificate is not valid yet", "Set the clock right on gateway and controller"),
    18: ("the certificate is self-signed", "Give its CA in checks_ca_file, or use a public one"),
    19: ("the chain ends in an unknown CA", "Give that CA in checks_ca_file"),
    20: (
        "the issuer is not known here",
        "Serve fullchain.pem, not cert.pem; or give the site's CA in checks_ca_file",
    ),
    62: ("the certificate is for another name", "It must cover gateway_server_name"),
}


@dataclass(frozen=True)
class Handshake:
    """A verified certificate (as ``getpeercert`` gives it), or why there is none."""

    certificate: dict[str, Any]
    protocol: str = ""
    problem: str = ""
    remedy: str = ""
    ms: int = 0


def explain(error: BaseException) -> tuple[str, str]:
    """Cause and remedy of a failed handshake."""
    if isinstance(error, ssl.SSLCertVerificationError):
        known = _CAUSES.get(error.verify_code)
        return known or (f"not verified: {trim(error.verify_message, 80)}", "")
    if isinstance(error, ssl.SSLError) and "WRONG_VERSION_NUMBER" in str(error):
        return ("this port speaks plain HTTP, not TLS", "Check gateway_https_port")
    if isinstance(error, ssl.SSLError) and "UNRECOGNIZED_NAME" in str(error):
        return ("the server refuses this name", "It must be gateway_server_name")
    if isinstance(error, asyncio.TimeoutError):
        return ("no TLS handshake in time", "Check firewall and address (checks_connect_to)")
    return (describe(error), "Check firewall, port and address (checks_connect_to)")


async def handshake(host: Host) -> Handshake:
    """Connect, verify chain and name, and hang up."""
    target, started = host.client.target, time.perf_counter()
    try:
        context = tls_context(target.ca_file)
        opening = asyncio.open_connection(
            target.host, target.port, ssl=context, server_hostname=target.host
        )
        _, writer = await asyncio.wait_for(opening, target.timeout)
    except (OSError, asyncio.TimeoutError) as error:
        problem, remedy = explain(error)
        return Handshake({}, problem=problem, remedy=remedy)
    tls = writer.get_extra_info("ssl_object")
    writer.close()
    ms = round((time.perf_counter() - started) * 1000)
    return Handshake(tls.getpeercert(), tls.version(), ms=ms)


async def tls_verify(host: Host) -> Outcome:
    """H1, H4: chain and name hold, with the system's store or with the CA that was given."""
    found = await host.memo.once("tls", lambda: handshake(host))
    return judge_handshake(found)


def judge_handshake(found: Handshake) -> Outcome:
    if found.problem:
        return Outcome(found.problem, found.problem, "", found.remedy)
    issuer = dict(pair for part in found.certificate.get("issuer", ()) for pair in part)
    name = issuer.get("organizationName") or issuer.get("commonName") or "unnamed"
    return Outcome("", trim(f"{found.protocol}, issued by {name}", 80), ms=found.ms)


async def tls_expiry(host: Host) -> Outcome:
    """H2: enough days left."""
    found = await host.memo.once("tls", lambda: handshake(host))
    return judge_expiry(found, time.time(), host.warn_days)


def judge_expiry(found: Handshake, now: float, warn_days: int) -> Outcome:
    """A warning below ``warn_days``, a failure below a third of them."""
    if "notAfter" not in found.certificate:
        return Outcome("no certificate to judge", "no certificate to judge", found.problem)
    days = (ssl.cert_time_to_seconds(found.certificate["notAfter"]) - now) / 86400
    seen = f"{days:.0f} days left, until {found.certificate['notAfter']}"
    if days >= warn_days:
        return Outcome("", seen, ms=found.ms)
    return Outcome(seen, seen, ms=found.ms, soft=days >= warn_days / 3)
