"""Certificates with their keys, made for a test."""

from __future__ import annotations

import datetime
from typing import Any, NamedTuple

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.x509.oid import NameOID

NAME = "llm.example.org"


class Pair(NamedTuple):
    certificate: str
    key: str
    private: Any


def rsa_key(bits: int) -> Any:
    return rsa.generate_private_key(public_exponent=65537, key_size=bits)


def make(
    names: tuple[str, ...] = (NAME,),
    start: float = -1,
    days: float = 90,
    by: Pair | None = None,
    called: str = "",
    ca: bool | None = None,
    private: Any = None,
    digest: Any = None,
) -> Pair:
    """Issue a certificate; without ``by`` it is its own issuer, and an authority."""
    private = private or ec.generate_private_key(ec.SECP256R1())
    now = datetime.datetime.now(datetime.timezone.utc)
    common = called or ("leaf" if by else "authority")
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common)])
    issuer = x509.load_pem_x509_certificate(by.certificate.encode()).subject if by else subject
    is_ca = ca if ca is not None else by is None
    built = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(private.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now + datetime.timedelta(days=start))
        .not_valid_after(now + datetime.timedelta(days=days))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(n) for n in names]), False)
        .add_extension(x509.BasicConstraints(ca=is_ca, path_length=None), True)
        .sign(by.private if by else private, digest or hashes.SHA256())
    )
    key = private.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    return Pair(built.public_bytes(serialization.Encoding.PEM).decode(), key.decode(), private)
