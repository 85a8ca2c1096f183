"""Read certificates and keys as PEM text.

Needs cryptography on the controller, as community.crypto does.
"""

from __future__ import annotations

import contextlib
import datetime
import re
import warnings
from typing import Any

from ...common.pem_text import CERTIFICATE, KEY, PemError, blocks, written

_BLOCK = re.compile(r"-----BEGIN CERTIFICATE-----.*?-----END CERTIFICATE-----", re.S)
#: The forms that OpenSSL reads; ssh-keygen writes another
_KEYS = ("PRIVATE KEY", "RSA PRIVATE KEY", "EC PRIVATE KEY")


class UnreadableError(Exception):
    """A PEM text that cannot be read; the message never quotes it."""


def certificates(text: str) -> list[Any]:
    """Read all certificates of a text, at least one. Raises UnreadableError."""
    from cryptography import x509

    try:
        found = blocks(text, CERTIFICATE)
    except PemError as error:
        raise UnreadableError(f"is broken: {error}") from None
    read = []
    for place, (_, content) in enumerate(found, 1):
        try:
            read.append(x509.load_der_x509_certificate(content))
        except ValueError:
            which = f"block {place} of {len(found)}" if len(found) > 1 else "the block"
            raise UnreadableError(f"is broken: {which} holds no certificate") from None
    if not read:
        raise UnreadableError("is not a PEM certificate")
    return read


def key_text(text: str) -> str:
    """Return the first private key of a text as OpenSSL reads it, without all else in it.

    Empty if the text is. Raises UnreadableError.
    """
    return written(*_key_block(text)) if text else ""


def _key_block(text: str) -> tuple[str, bytes]:
    try:
        found = blocks(text, KEY)
    except PemError as error:
        raise UnreadableError(f"cannot be used: {error}") from None
    if not found or found[0][0] not in _KEYS:
        raise UnreadableError("is not a PEM private key that nginx reads")
    return found[0]


def bundle(text: str) -> list[Any]:
    """Read the certificates of a bundle, and skip unreadable ones."""
    found = []
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # cryptography warns about odd roots
        for block in _BLOCK.findall(text.replace("\\n", "\n")):
            with contextlib.suppress(UnreadableError):
                found += certificates(block)
    return found


def private_key(text: str) -> Any:
    """Read a private key that has no password. Raises UnreadableError."""
    from cryptography.exceptions import UnsupportedAlgorithm
    from cryptography.hazmat.primitives.serialization import load_pem_private_key

    pem = written(*_key_block(text))
    try:
        return load_pem_private_key(pem.encode(), password=None)
    except (ValueError, TypeError, UnsupportedAlgorithm):
        raise UnreadableError("is broken: the block holds no private key") from None


def belong_together(certificate: Any, key: Any) -> bool:
    """Return whether a certificate is for this private key."""
    return _public(certificate.public_key()) == _public(key.public_key())


def _public(key: Any) -> bytes:
    from cryptography.hazmat.primitives import serialization as s

    return bytes(key.public_bytes(s.Encoding.DER, s.PublicFormat.SubjectPublicKeyInfo))


def covers(leaf: Any, server_name: str) -> bool:
    """Return whether a certificate covers a DNS name, by itself or by a wildcard."""
    from cryptography import x509

    try:
        extension = leaf.extensions.get_extension_for_class(x509.SubjectAlternativeName)
    except x509.ExtensionNotFound:
        return False
    wanted = server_name.lower()
    parent = wanted.partition(".")[2]
    names = [name.lower() for name in extension.value.get_values_for_type(x509.DNSName)]
    return wanted in names or f"*.{parent}" in names


def may_sign(certificate: Any) -> bool:
    """Return whether a certificate is one of an authority (CA:TRUE)."""
    from cryptography import x509

    try:
        extension = certificate.extensions.get_extension_for_class(x509.BasicConstraints)
    except x509.ExtensionNotFound:
        return False
    return bool(extension.value.ca)


def is_root(certificate: Any) -> bool:
    """Return whether a certificate names itself as its issuer."""
    return bool(certificate.issuer == certificate.subject)


def issued(certificate: Any, issuer: Any) -> bool:
    """Return whether ``issuer``, by its name and key, signed a certificate."""
    try:
        certificate.verify_directly_issued_by(issuer)
    except Exception:  # each kind of key raises its own error
        return False
    return True


def title(certificate: Any, issuer: bool = False) -> str:
    """Return the common name of a certificate or of its issuer, or else all of the name."""
    from cryptography.x509.oid import NameOID

    name = certificate.issuer if issuer else certificate.subject
    common = name.get_attributes_for_oid(NameOID.COMMON_NAME)
    text = str(common[0].value) if common else name.rfc4514_string()
    return " ".join("".join(c if c.isprintable() else " " for c in text).split())[:60] or "no name"


def now() -> datetime.datetime:
    """Return the controller's time."""
    return datetime.datetime.now(datetime.timezone.utc)


def start(certificate: Any) -> datetime.datetime:
    """Return when a certificate begins to be valid."""
    moment: datetime.datetime = certificate.not_valid_before_utc
    return moment


def end(certificate: Any) -> datetime.datetime:
    """Return when a certificate expires."""
    moment: datetime.datetime = certificate.not_valid_after_utc
    return moment
