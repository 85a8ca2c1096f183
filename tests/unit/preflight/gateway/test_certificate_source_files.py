"""Test the check of the gateway's certificate, which comes before any change."""

from __future__ import annotations

from typing import Any

import pytest
from ansible.module_utils.tgi.common.problem import UNKNOWN
from ansible.module_utils.tgi.preflight.gateway.certificate_source import check_certificate
from ansible.module_utils.tgi.preflight.inventory import check_inventory
from ansible.module_utils.tgi.preflight.role_specs import Role

from tests.support.tls_pairs import NAME, make

GOOD = make()
VAULTED = "$ANSIBLE_VAULT;1.1;AES256\n3633\n"
TLS = {"source": "files", "certificate": "/a.crt", "key": "/a.key"}


def check(certificate: str = GOOD.certificate, key: str = GOOD.key, **more: Any) -> list[str]:
    values = {"gateway_tls": TLS, **more}
    found: list[str] = check_certificate(values, NAME, {"/a.crt": certificate, "/a.key": key}.get)
    return found


def test_a_pair_that_fits() -> None:
    assert check() == []


@pytest.mark.parametrize(
    ("certificate", "key", "where", "words"),
    [
        (GOOD.certificate, make().key, "gateway_tls.key", "does not belong to the certificate"),
        (*make(("other.org",))[:2], "gateway_tls.certificate", f"does not cover {NAME}"),
        (*make(days=-0.5)[:2], "gateway_tls.certificate", "expired on"),
        (
            GOOD.certificate[:-40],
            GOOD.key,
            "gateway_tls.certificate",
            "is broken: certificate is cut off; write the path of a PEM file",
        ),
        (
            GOOD.certificate.replace(GOOD.certificate[28:40], "AAAAAAAAAAAA"),
            GOOD.key,
            "gateway_tls.certificate",
            "is broken: the block holds no certificate",
        ),
        (
            GOOD.certificate,
            GOOD.key.replace("PRIVATE", "OPENSSH PRIVATE"),
            "gateway_tls.key",
            "is not a PEM private key that nginx reads",
        ),
    ],
)
def test_one_that_cannot_be_served(certificate: str, key: str, where: str, words: str) -> None:
    (found,) = check(certificate, key)
    assert found.startswith(f"{where} ")
    assert words in found


@pytest.mark.parametrize(
    "more",
    [
        {"key": VAULTED},
        {"key": ""},
        {"gateway_tls": {**TLS, "key": UNKNOWN}},
        {"gateway_tls": {**TLS, "key": "/none"}},
        {"gateway_tls": {"source": "private_ca", "ca_dir": "/pki"}},
        {"gateway_tls": UNKNOWN},
    ],
)
def test_what_others_report(more: dict[str, Any]) -> None:
    assert check(**more) == []


def test_the_certificate_and_the_backends_are_judged() -> None:
    files = {"/a.crt": make(days=-0.5).certificate, "/a.key": make().key}
    tls = {"source": "files", "certificate": "/a.crt", "key": "/a.key"}
    options: dict[str, Any] = {
        "gateway_tls": {"type": "dict"},
        "gateway_backends": {"type": "list"},
    }
    role = [Role("gateway", options, {}, frozenset(options))]
    replicas = [{"name": "g", "address": "b"}]
    variables = {"gateway_tls": tls, "gateway_backends": [{"name": "a", "replicas": replicas}]}
    groups = ["gpu_hosts", "gateways"]
    _, found = check_inventory(variables, groups, role, lambda value: value, files.get)
    assert [line.split()[0] for line in found] == [
        "gateway_tls.key",
        "gateway_tls.certificate",
        "gateway_backends[0].replicas[0].address",
    ]
