"""Test that each source of a certificate gets the keys it needs, and no others."""

from __future__ import annotations

from typing import Any

import pytest
from ansible.module_utils.tgi.common.problem import UNKNOWN
from ansible.module_utils.tgi.preflight.gateway.certificate_source import (
    check_certificate,
    check_tls,
)

from tests.support.tls_pairs import NAME, make

ROOT = make((), called="Root")
LEAF = make(by=ROOT)
FILES = {
    "/root.pem": ROOT.certificate,
    "/a.crt": LEAF.certificate,
    "/a.key": LEAF.key,
    "/vaulted.pem": "$ANSIBLE_VAULT;1.1;AES256\n3633\n",
}
PASTED = {
    "source": "content",
    "certificate_content": LEAF.certificate,
    "key_content": LEAF.key,
    "root": "/root.pem",
}
HTTP = {
    "source": "acme",
    "directory": "https://acme-v02.api.letsencrypt.org/directory",
    "email": "ops@example.org",
    "agree_tos": True,
}
DNS = {
    **HTTP,
    "challenge": "dns-01",
    "dns_plugin": "rfc2136",
    "dns_credentials": {"dns_rfc2136_port": 53, "dns_rfc2136_secret": "a+b/c=="},
}
SECRET = "hunter2-and-more"


def check(tls: dict[str, Any]) -> list[str]:
    found: list[str] = check_tls(tls, FILES.get)
    return found


@pytest.mark.parametrize(
    "tls",
    [
        PASTED,
        {"source": "files", "certificate": "/a.crt", "key": "/a.key", "root": "/root.pem"},
        {"source": "files", "certificate": UNKNOWN, "key": UNKNOWN},
        {"source": "content", "certificate_content": UNKNOWN, "key_content": UNKNOWN},
        {"source": "private_ca", "ca_dir": "/pki", "certificate": None},
        HTTP,
        {**HTTP, "challenge": "http-01", "directory": "https://[fd00::1]:14000/dir"},
        {**HTTP, "email": None, "directory_ca": "/root.pem"},
        {**HTTP, "eab_kid": "kid-1", "eab_hmac_key": "abc_-DEF="},
        DNS,
        {**DNS, "dns_propagation_seconds": 120},
        {**DNS, "dns_credentials": UNKNOWN, "dns_plugin": UNKNOWN},
        {**DNS, "dns_credentials": {"token": UNKNOWN}},
        {**DNS, "challenge": UNKNOWN, "agree_tos": UNKNOWN, "directory": UNKNOWN},
        {"source": "else"},
        {},
    ],
)
def test_what_is_let_through(tls: dict[str, Any]) -> None:
    assert check(tls) == []


def acme(**more: Any) -> dict[str, Any]:
    return {**HTTP, **more}


def dns(**more: Any) -> dict[str, Any]:
    return {**DNS, **more}


REFUSED = [
    (
        {"source": "files", "certificate": "/a.crt", "key": "/a.key", "ca_dir": "/pki"},
        "ca_dir is not used with source: files; delete it, or write source: private_ca",
    ),
    (
        {**PASTED, "certificate": "/a.crt"},
        "certificate is not used with source: content; delete it, or write source: files",
    ),
    ({**PASTED, "ca_dir": "/pki"}, "ca_dir is not used with source: content"),
    ({**PASTED, "key_content": None}, "key_content is missing; write the PEM text, such as key_c"),
    (
        {**PASTED, "key_content": "/a.key"},
        "key_content does not contain a PRIVATE KEY; write the PEM text",
    ),
    (
        {**PASTED, "certificate_content": LEAF.key},
        "certificate_content does not contain a CERTIFICATE",
    ),
    ({**PASTED, "root": "root.pem"}, 'root is "root.pem", not an absolute path'),
    ({**PASTED, "root": "/none"}, "root is /none, which the controller cannot read"),
    ({**PASTED, "root": "/a.key"}, "root is /a.key, which does not contain a CERTIFICATE"),
    (
        {"source": "private_ca", "ca_dir": "/p", "root": "/root.pem"},
        "root is not used with source: private_ca; delete it, or write source: files or content",
    ),
    ({"source": "private_ca", "ca_dir": "/p\nq"}, "which has control characters"),
    (acme(directory=None), "directory is missing; write the server's https URL"),
    (acme(directory="http://acme/dir"), 'directory is "http://acme/dir", not a directory URL'),
    (acme(directory="https://acme"), "not a directory URL"),
    (acme(directory="https://a/d;x\n"), "not a directory URL"),
    (acme(directory="https://user@a/d"), "not a directory URL"),
    (acme(directory="https://a/{{ d }}"), "not a directory URL"),
    (acme(directory='https://a/"'), "not a directory URL"),
    (acme(directory="https://á/d"), "not a directory URL"),
    (acme(email="ops"), 'email is "ops", not an address; write one such as ops@example.org'),
    (acme(email="a@b.c --foo"), "not an address"),
    (acme(agree_tos=None), "agree_tos is missing; read the server's terms of service"),
    (acme(agree_tos=False), "agree_tos is false; read the server's terms of service"),
    (acme(directory_ca="ca.pem"), 'directory_ca is "ca.pem", not an absolute path'),
    (acme(directory_ca="/none"), "directory_ca is /none, which the controller cannot read"),
    (acme(dns_plugin="rfc2136"), "dns_plugin is set, but the challenge is http-01; delete it, or"),
    (acme(dns_propagation_seconds=9), "dns_propagation_seconds is set, but the challenge is"),
    (acme(dns_credentials={}), "dns_credentials is set, but the challenge is http-01"),
    (dns(dns_plugin=None), "dns_plugin is missing; write the name of certbot's plugin"),
    (dns(dns_plugin="a; rm -rf"), "not a plugin name; write the name of certbot's plugin"),
    (dns(dns_plugin="--config"), "not a plugin name"),
    (dns(dns_credentials=None), "dns_credentials is missing; write them as the plugin's manual"),
    (dns(dns_credentials={}), "dns_credentials is empty"),
    (dns(dns_credentials={"a": SECRET + "\nb = c"}), "dns_credentials.a has a line break"),
    (dns(dns_credentials={"a": f" {SECRET}"}), "dns_credentials.a has a line break, a control"),
    (dns(dns_credentials={"a": [SECRET]}), "dns_credentials.a is not a single value"),
    (dns(dns_credentials={"a": None}), "dns_credentials.a is not a single value"),
    (
        dns(dns_credentials={"a = b\nc": SECRET}),
        "not an option name; write a name from the plugin's",
    ),
    (dns(dns_propagation_seconds=0), "dns_propagation_seconds is 0; write one from 1 to 3600"),
    (
        acme(eab_kid="k"),
        "eab_hmac_key is missing although eab_kid is set; copy it from the server's account",
    ),
    (acme(eab_hmac_key="aaaa"), "eab_kid is missing although eab_hmac_key"),
    (acme(eab_kid="k", eab_hmac_key=f"{SECRET}\n"), "eab_hmac_key has invalid characters"),
    (acme(eab_kid="k k", eab_hmac_key="aaaa"), "eab_kid has invalid characters"),
]


@pytest.mark.parametrize(("tls", "words"), REFUSED)
def test_what_is_refused(tls: dict[str, Any], words: str) -> None:
    (found,) = check(tls)
    assert found.startswith("gateway_tls.")
    assert words in found
    assert "\n" not in found
    assert SECRET not in found


def test_a_key_that_has_a_namesake_elsewhere() -> None:
    (missing, foreign) = sorted(
        check({"source": "files", "certificate_content": "x", "key": "/a.key"})
    )
    assert missing.startswith("gateway_tls.certificate is missing")
    assert foreign == (
        "gateway_tls.certificate_content is not used with source: files; "
        "write certificate, or write source: content"
    )


def served(tls: dict[str, Any], profile: Any = "intermediate") -> list[str]:
    values = {"gateway_tls": tls, "gateway_tls_profile": profile}
    found: list[str] = check_certificate(values, NAME, FILES.get)
    return found


def test_what_is_pasted_is_judged_by_its_own_names() -> None:
    assert served(PASTED) == []
    (found,) = served({**PASTED, "root": None})
    assert found.startswith(
        "gateway_tls.certificate_content ends at issuer Root, which is not in the file"
    )
    (found,) = served({**PASTED, "key_content": make().key})
    assert found.startswith("gateway_tls.key_content does not belong to the certificate")


@pytest.mark.parametrize(
    "tls",
    [{**PASTED, "root": "/vaulted.pem"}, {**PASTED, "key_content": UNKNOWN}, HTTP, UNKNOWN, None],
)
def test_what_is_not_at_hand_is_passed_over(tls: Any) -> None:
    assert served(tls) == []
