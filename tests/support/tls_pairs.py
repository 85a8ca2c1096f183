"""Make certificates with their keys for a test."""

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
    own_id = x509.SubjectKeyIdentifier.from_public_key(private.public_key())
    issuer_key = by.private.public_key() if by else private.public_key()
    issuer_id = x509.AuthorityKeyIdentifier.from_issuer_public_key(issuer_key)
    builder = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(private.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now + datetime.timedelta(days=start))
        .not_valid_after(now + datetime.timedelta(days=days))
        .add_extension(x509.BasicConstraints(ca=is_ca, path_length=None), True)
        # From Python 3.13 on, clients refuse certificates without these three
        .add_extension(own_id, False)
        .add_extension(issuer_id, False)
        .add_extension(_usage(is_ca), True)
    )
    if names:
        named = x509.SubjectAlternativeName([x509.DNSName(name) for name in names])
        builder = builder.add_extension(named, False)
    built = builder.sign(by.private if by else private, digest or hashes.SHA256())
    key = private.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    return Pair(built.public_bytes(serialization.Encoding.PEM).decode(), key.decode(), private)


def _usage(authority: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=True,
        key_cert_sign=authority,
        crl_sign=authority,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        encipher_only=False,
        decipher_only=False,
    )


#: A certificate for many years, as ``getpeercert`` gives it
LASTING = {"notBefore": "Jan  1 00:00:00 2026 GMT", "notAfter": "Jan  1 00:00:00 2099 GMT"}
