"""Whether a certificate can be served, judged on the controller before nginx sees it.

Needs cryptography, which community.crypto needs there anyway.
"""

from __future__ import annotations

import datetime
from typing import Any

from .inventory_problem import problem


class UnreadableError(Exception):
    """A PEM text that cannot be read; the message never quotes it."""


def certificate_problems(certificate: str, key: str, server_name: str) -> list[str]:
    """Give the reasons why this certificate (PEM, leaf first) cannot be served with this key.

    Without ``server_name`` the names in it are not judged.
    """
    where = "gateway_tls.certificate"
    try:
        leaf, private = _certificate(certificate), _key(key)
    except UnreadableError as error:
        return [problem("gateway_tls", str(error), "write the path of a PEM file without password")]
    found = []
    now = _now()
    if _public(leaf.public_key()) != _public(private.public_key()):
        remedy = "write the key that belongs to the certificate"
        found.append(problem("gateway_tls.key", "does not belong to the certificate", remedy))
    if server_name and not _covers(leaf, server_name):
        remedy = "get a certificate with that name among its subject alternative names"
        found.append(problem(where, f"does not cover {server_name}", remedy))
    if _end(leaf) <= now:
        found.append(problem(where, f"expired on {_end(leaf):%Y-%m-%d}", "renew it"))
    if _start(leaf) > now:
        remedy = "set the controller's clock right, or wait until then"
        found.append(problem(where, f"is valid only from {_start(leaf):%Y-%m-%d}", remedy))
    return found


def leaf_due(certificate: str, key: str, authority: str, server_name: str, days: Any) -> bool:
    """Say whether a private CA's leaf must be issued (again).

    So it is when it is missing, unreadable, without its key, for another name, not from this
    CA, or within ``days`` of its end. Raises nothing.
    """
    try:
        leaf, private, issuer = _certificate(certificate), _key(key), _certificate(authority)
        leaf.verify_directly_issued_by(issuer)
    except Exception:  # whatever is wrong with it, a new one heals it
        return True
    remaining = _end(leaf) - _now()
    return (
        _public(leaf.public_key()) != _public(private.public_key())
        or not _covers(leaf, server_name)
        or remaining < datetime.timedelta(days=float(days))
    )


def _certificate(text: str) -> Any:
    from cryptography import x509

    try:
        return x509.load_pem_x509_certificates(text.encode())[0]
    except (ValueError, IndexError):
        raise UnreadableError("certificate is no PEM certificate") from None


def _key(text: str) -> Any:
    from cryptography.hazmat.primitives.serialization import load_pem_private_key

    try:
        return load_pem_private_key(text.encode(), password=None)
    except (ValueError, TypeError):
        raise UnreadableError("key is no PEM private key, or has a password") from None


def _public(key: Any) -> bytes:
    from cryptography.hazmat.primitives import serialization as s

    return bytes(key.public_bytes(s.Encoding.DER, s.PublicFormat.SubjectPublicKeyInfo))


def _covers(leaf: Any, server_name: str) -> bool:
    from cryptography import x509

    try:
        extension = leaf.extensions.get_extension_for_class(x509.SubjectAlternativeName)
    except x509.ExtensionNotFound:
        return False
    wanted = server_name.lower()
    parent = wanted.partition(".")[2]
    names = [name.lower() for name in extension.value.get_values_for_type(x509.DNSName)]
    return wanted in names or f"*.{parent}" in names


def _now() -> datetime.datetime:
    return datetime.datetime.now(datetime.timezone.utc)


def _start(leaf: Any) -> datetime.datetime:
    start: datetime.datetime = leaf.not_valid_before_utc
    return start


def _end(leaf: Any) -> datetime.datetime:
    end: datetime.datetime = leaf.not_valid_after_utc
    return end
