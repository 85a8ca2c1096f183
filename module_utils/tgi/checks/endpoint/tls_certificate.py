"""Check the certificate in a connection of its own, so that a failure has a clear cause."""

from __future__ import annotations

import asyncio
import ssl
import time
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from ...client.answer import PLAIN_PORT, describe
from ...client.http_client import Target, tls_context
from ...common.text import trim
from ..judges.http_answer import SEE_OTHERS
from ..results import Outcome
from . import tls_probe
from .endpoint_session import EndpointSession

_NO_ISSUER = (20, 21)
_OTHER_NAME = 62
_DAY = 86400
#: Certificates of fewer days have a tool that renews them
_RENEWED_BY_ITSELF = 60
RENEW = (
    "Renew the certificate and run the gateway role; with ACME, read journalctl -u "
    "tgi-gateway-acme on the gateway"
)
_NOT_RENEWED = (
    "The automatic renewal does not work: read journalctl -u tgi-gateway-acme on the gateway, or "
    "look at the timer of your own tool"
)
_CAUSES = {
    10: ("the certificate has expired", "Renew it and run the gateway role"),
    9: ("the certificate is not valid yet", "Set the clock right on gateway and controller"),
    18: ("the certificate is self-signed", "Set checks_ca_file, or use a public CA"),
    19: ("the chain ends in an unknown CA", "Set checks_ca_file to that CA"),
    20: (
        "the issuer is unknown here",
        "Serve fullchain.pem, not cert.pem; for a private CA set checks_ca_file",
    ),
    _OTHER_NAME: (
        "the certificate is for another name",
        "If it is not the gateway's, something takes the port before nginx: a DNAT rule (iptables "
        "-t nat -S; k3s's service balancer sets one), a balancer, or another machine at this "
        "address. Else get a certificate that covers gateway_server_name",
    ),
}


@dataclass(frozen=True)
class Handshake:
    """A verified certificate (as ``getpeercert`` returns it), or why there is none.

    ``code`` is OpenSSL's, 0 when the chain verifies. ``sent``: number of certificates (0:
    unknown). ``other_name``: it does not cover the server's name. ``old``: obsolete protocols
    that the server accepts; ``unproven``: those without an answer. ``reached``: TLS answered.
    ``unverified``: the certificate that did not verify, if it is valid today.
    """

    certificate: dict[str, Any]
    protocol: str = ""
    problem: str = ""
    remedy: str = ""
    ms: int = 0
    code: int = 0
    sent: int = 0
    other_name: bool = False
    old: tuple[str, ...] = ()
    unproven: tuple[str, ...] = ()
    reached: bool = True
    unverified: Mapping[str, Any] = field(default_factory=dict)


def explain(error: BaseException) -> tuple[str, str]:
    """Return cause and remedy of a failed handshake."""
    if isinstance(error, ssl.SSLCertVerificationError):
        known = _CAUSES.get(error.verify_code)
        return known or (f"not verified: {trim(error.verify_message, 80)}", "")
    if describe(error) == PLAIN_PORT:
        return (PLAIN_PORT, "Check gateway_https_port")
    if isinstance(error, ssl.SSLError) and "UNRECOGNIZED_NAME" in str(error):
        return ("the server refuses this name", "Use the name in gateway_server_name")
    if isinstance(error, asyncio.TimeoutError):
        return ("no TLS handshake in time", "Check firewall and address (checks_connect_to)")
    return (describe(error), "Check firewall, port and address (checks_connect_to)")


def complaint(found: Handshake) -> tuple[str, str]:
    """Return a client's problem with a handshake, and the remedy; empty when there is none."""
    if found.other_name and (not found.code or found.unverified):
        problem, remedy = _CAUSES[_OTHER_NAME]
        return f"{problem}: {tls_probe.whose(found.certificate or found.unverified)}", remedy
    return found.problem, found.remedy


async def handshake(host: EndpointSession) -> Handshake:
    """Connect, verify chain and name, and close; then try the obsolete protocols.

    OpenSSL stops at its first problem. So a second connection without the name check tells a
    wrong name from a chain that does not verify.
    """
    target, started = host.client.target, time.perf_counter()
    found = await _verified(target, tls_context(target.ca_file, target.certificate))
    if found.code == _OTHER_NAME:
        context = tls_context(target.ca_file, target.certificate)
        context.check_hostname = False
        found = replace(await _verified(target, context), other_name=True)
    if not found.reached:
        return found
    if found.code:
        found = await _unverified(target, found)
    old, unproven = await _old_protocols(target)
    ms = round((time.perf_counter() - started) * 1000)
    return replace(found, old=old, unproven=unproven, ms=found.ms or ms)


async def _verified(target: Target, context: ssl.SSLContext) -> Handshake:
    started = time.perf_counter()
    try:
        tls = await tls_probe.connect(target, context)
    except (OSError, asyncio.TimeoutError) as error:
        problem, remedy = explain(error)
        code = getattr(error, "verify_code", 0)
        return Handshake({}, problem=problem, remedy=remedy, code=code, reached=bool(code))
    ms = round((time.perf_counter() - started) * 1000)
    sent = tls_probe.certificates_sent(tls)
    return Handshake(tls.getpeercert(), tls.version(), ms=ms, sent=sent)


async def _unverified(target: Target, found: Handshake) -> Handshake:
    """Add what a connection without verification shows."""
    try:
        tls = await tls_probe.connect(target, tls_probe.trusting())
        sent = tls_probe.certificates_sent(tls) or await tls_probe.count_with_openssl(target)
        named = await tls_probe.covers_name(target, tls.getpeercert(True))
        fields = await tls_probe.read_fields(target, tls.getpeercert(True))
    except (OSError, asyncio.TimeoutError):
        return found
    other = found.other_name or not named
    return replace(found, unverified=fields, sent=sent, other_name=other)


async def _old_protocols(target: Target) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Return the obsolete protocols that the server accepts, and those without an answer."""
    spoken = await asyncio.gather(
        *(tls_probe.speaks(target, version) for version in tls_probe.OLD.values()),
        return_exceptions=True,
    )
    answers = list(zip(tls_probe.OLD, spoken))
    yes = tuple(name for name, said in answers if said is True)
    return yes, tuple(name for name, said in answers if isinstance(said, BaseException))


async def shared_handshake(host: EndpointSession) -> Handshake:
    """Return the handshake, made once for all checks."""
    return await host.memo.once("tls", lambda: handshake(host))


async def tls_verify(host: EndpointSession) -> Outcome:
    """Check that the chain verifies against the system's CA store, or against the given CA."""
    return judge_handshake(await shared_handshake(host))


def judge_handshake(found: Handshake) -> Outcome:
    if found.problem:
        remedy = _CAUSES[_OTHER_NAME][1] if found.other_name else found.remedy
        evidence = tls_probe.whose(found.unverified) if found.unverified else ""
        return Outcome(found.problem, found.problem, evidence, remedy)
    issuer = dict(pair for part in found.certificate.get("issuer", ()) for pair in part)
    name = issuer.get("organizationName") or issuer.get("commonName") or "unnamed"
    return Outcome("", trim(f"{found.protocol}, issued by {name}", 80), ms=found.ms)


async def tls_chain(host: EndpointSession) -> Outcome:
    """Check that the server sends every certificate between its own and the CA."""
    return judge_chain(await shared_handshake(host))


def judge_chain(found: Handshake) -> Outcome:
    """Judge the chain. Browsers find a missing certificate themselves; programs do not."""
    if not found.reached:
        return Outcome(found.problem, found.problem, "", SEE_OTHERS, soft=True)
    sent = f"{found.sent} certificate{'s' * (found.sent != 1)} sent"
    if found.code in _NO_ISSUER and found.sent == 1:
        problem = f"{sent}, and its issuer is unknown here: the chain is incomplete"
        return Outcome(problem, problem, found.problem)
    if found.code in _NO_ISSUER and not found.sent:
        problem = "its issuer is unknown here; whether a certificate is missing is unknown"
        return Outcome(problem, problem, found.problem, soft=True)
    return Outcome("", sent if found.sent else "no certificate is missing", ms=found.ms)


async def tls_hostname(host: EndpointSession) -> Outcome:
    """Check that the certificate covers the name that clients use."""
    found = await shared_handshake(host)
    if not found.reached:
        return Outcome(found.problem, found.problem, "", SEE_OTHERS, soft=True)
    if found.other_name:
        problem, remedy = complaint(found)
        return Outcome(problem, problem, host.client.target.host, remedy)
    return Outcome("", host.client.target.host, ms=found.ms)


async def tls_protocol(host: EndpointSession) -> Outcome:
    """Check that the server refuses TLS 1.0 and 1.1. ``tls.verify`` shows that 1.2 or 1.3 works."""
    found = await shared_handshake(host)
    if not found.reached:
        return Outcome(found.problem, found.problem, "", SEE_OTHERS, soft=True)
    if found.old:
        problem = f"the server still accepts {' and '.join(found.old)}"
        return Outcome(problem, problem)
    if found.unproven:
        problem = f"no answer to {' and '.join(found.unproven)}: the refusal is not proven"
        return Outcome(problem, problem, soft=True)
    return Outcome("", f"{found.protocol or 'TLS'}; {' and '.join(tls_probe.OLD)} refused")


async def tls_expiry(host: EndpointSession) -> Outcome:
    """Check that enough of the certificate's lifetime is left."""
    return judge_expiry(await shared_handshake(host), time.time(), host.warn_days)


def judge_expiry(found: Handshake, now: float, warn_days: int = 21) -> Outcome:
    """Warn below ``warn_days`` or a quarter of the lifetime, fail below a third of that."""
    if "notAfter" not in found.certificate:
        return Outcome("no certificate to check", "no certificate to check", found.problem)
    start, end = (
        ssl.cert_time_to_seconds(found.certificate[key]) for key in ("notBefore", "notAfter")
    )
    least = min(warn_days * _DAY, (end - start) / 4)
    seen = f"{_span(end - now)} left, until {found.certificate['notAfter']}"
    if end - now >= least:
        return Outcome("", seen, ms=found.ms)
    remedy = _NOT_RENEWED if end - start < _RENEWED_BY_ITSELF * _DAY else RENEW
    return Outcome(seen, seen, "", remedy, ms=found.ms, soft=end - now >= least / 3)


def _span(seconds: float) -> str:
    hours = seconds / 3600
    return f"{hours:.0f} hours" if abs(hours) < 48 else f"{seconds / _DAY:.0f} days"
