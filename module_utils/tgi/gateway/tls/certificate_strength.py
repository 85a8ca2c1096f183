"""Check a certificate against TLSRef's guideline 6.0."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from ...common.problem import problem
from . import pem as pem

_LEAST_RSA_BITS = 2048
_BROKEN_HASHES = ("md5", "sha1")
_CURVES = ("secp256r1", "secp384r1")
_ECDSA = "get one with a key on the curve P-256 (openssl ecparam -name prime256v1 -genkey)"


def check_strength(where: str, chain: list[Any], profile: str) -> Iterator[str]:
    """Return the problems of keys and signatures; ``chain`` begins with the leaf."""
    from cryptography.hazmat.primitives.asymmetric import ec

    leaf = chain[0]
    key = leaf.public_key()
    is_ec = isinstance(key, ec.EllipticCurvePublicKey)
    if profile == "modern" and not is_ec:
        what = "has no ECDSA key, which gateway_tls_profile: modern requires"
        yield problem(where, what, f"{_ECDSA}, or write gateway_tls_profile: intermediate")
    if is_ec and key.curve.name not in _CURVES:
        yield problem(
            where, f"has a key on {key.curve.name}, which some clients do not support", _ECDSA
        )
    for certificate in chain:
        yield from _check_one(where, certificate, certificate is leaf)


def _check_one(where: str, certificate: Any, is_leaf: bool) -> Iterator[str]:
    from cryptography.hazmat.primitives.asymmetric import rsa

    key = certificate.public_key()
    whose = "has" if is_leaf else f"contains {pem.title(certificate)}, which has"
    if isinstance(key, rsa.RSAPublicKey) and key.key_size < _LEAST_RSA_BITS:
        what = f"{whose} an RSA key of {key.key_size} bits"
        yield problem(where, what, f"get one of {_LEAST_RSA_BITS} bits or more, or an ECDSA one")
    # Clients do not check a root's own signature
    if (is_leaf or not pem.is_root(certificate)) and _hash_of(certificate) in _BROKEN_HASHES:
        what = f"{whose} a signature with {_hash_of(certificate).upper()}"
        yield problem(where, what, "get one that is signed with SHA-256 or better")


def _hash_of(certificate: Any) -> str:
    from cryptography.exceptions import UnsupportedAlgorithm

    try:
        algorithm = certificate.signature_hash_algorithm
    except UnsupportedAlgorithm:
        return ""
    return str(algorithm.name) if algorithm else ""
