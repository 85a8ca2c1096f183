"""Which certificates are served, and when a private CA's leaf is issued again."""

from __future__ import annotations

import datetime
from typing import Any, NamedTuple

import pytest
from ansible.module_utils.tgi.gateway_tls import certificate_problems, leaf_due
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

NAME = "llm.example.org"


class Pair(NamedTuple):
    certificate: str
    key: str
    private: Any


def make(
    names: tuple[str, ...] = (NAME,), start: float = -1, days: float = 90, by: Pair | None = None
) -> Pair:
    private = ec.generate_private_key(ec.SECP256R1())
    now = datetime.datetime.now(datetime.timezone.utc)
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "leaf" if by else "authority")])
    issuer = x509.load_pem_x509_certificate(by.certificate.encode()).subject if by else subject
    built = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(private.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now + datetime.timedelta(days=start))
        .not_valid_after(now + datetime.timedelta(days=days))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(n) for n in names]), False)
        .sign(by.private if by else private, hashes.SHA256())
    )
    key = private.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    return Pair(built.public_bytes(serialization.Encoding.PEM).decode(), key.decode(), private)


CA = make()
LEAF = make(by=CA)


@pytest.mark.parametrize("names", [(NAME,), ("*.example.org",), ("other", NAME.upper())])
def test_a_fitting_pair_passes(names: tuple[str, ...]) -> None:
    pair = make(names)
    assert certificate_problems(pair.certificate, pair.key, NAME) == []


@pytest.mark.parametrize(
    ("pair", "said"),
    [
        (make(days=-0.5), "expired on"),
        (make(start=1), "valid only from"),
        (make(("*.org", "example.org")), "does not cover"),
        (LEAF._replace(key=CA.key), "does not belong"),
        (LEAF._replace(key="no key"), "no PEM private key"),
        (LEAF._replace(certificate=LEAF.key), "no PEM certificate"),
    ],
)
def test_others_are_refused(pair: Pair, said: str) -> None:
    found = certificate_problems(pair.certificate, pair.key, NAME)
    assert said in "\n".join(found)
    assert "PRIVATE" not in "\n".join(found)


def due(leaf: Pair = LEAF, ca: Pair = CA, name: str = NAME, days: int = 30) -> bool:
    answer: bool = leaf_due(leaf.certificate, leaf.key, ca.certificate, name, days)
    return answer


def test_a_good_leaf_stays() -> None:
    assert not due()


@pytest.mark.parametrize(
    "changed",
    [
        {"days": 91},
        {"name": "other.example.org"},
        {"ca": make()},
        {"leaf": LEAF._replace(key=CA.key)},
        {"leaf": Pair("", "", None)},
        {"leaf": make(by=CA, days=29)},
        {"ca": Pair("", "", None)},
    ],
)
def test_any_other_is_issued_again(changed: dict[str, Any]) -> None:
    assert due(**changed)
