"""Test certbot's files, when a certificate is due, and the remedy for each refusal."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import pytest
from ansible.module_utils.tgi.gateway.acme.certbot import AcmeError, forget, obtain
from ansible.module_utils.tgi.gateway.acme.certbot_files import (
    OPTIONAL,
    authenticator_of,
    wanted_files,
)
from ansible.module_utils.tgi.gateway.acme.lineage import (
    names_kept,
    renewal_options,
    why_obtain,
)

from tests.support.tls_pairs import make

NAME = "llm.example.org"
DIRECTORY = "https://acme.example.org/directory"
TLS: dict[str, Any] = {"directory": DIRECTORY, "agree_tos": True, "email": "ops@example.org"}
DNS = {
    **TLS,
    "challenge": "dns-01",
    "dns_plugin": "rfc2136",
    "dns_credentials": {"dns_rfc2136_secret": "s3cret"},
    "dns_propagation_seconds": 5,
}


def lineage(root: Path, pem: str, server: str = DIRECTORY, way: str = "webroot") -> Path:
    live, renewal = root / "live" / NAME, root / "renewal"
    live.mkdir(parents=True)
    renewal.mkdir()
    (live / "fullchain.pem").write_text(pem)
    text = f"version = 4.0.0\n[renewalparams]\nserver = {server}\nauthenticator = {way}\n"
    (renewal / f"{NAME}.conf").write_text(text)
    return root


def test_a_certificate_that_fits_is_left_alone(tmp_path: Path) -> None:
    root = lineage(tmp_path, make(days=60).certificate)
    assert why_obtain(root, NAME, DIRECTORY, "webroot") == ""


@pytest.mark.parametrize(
    ("name", "directory", "way", "said"),
    [
        (NAME, "https://other.example.org/", "webroot", "from another ACME server"),
        (NAME, DIRECTORY, "dns-rfc2136", "the challenge has changed"),
    ],
)
def test_one_that_does_not_fit_is_replaced(
    tmp_path: Path, name: str, directory: str, way: str, said: str
) -> None:
    root = lineage(tmp_path, make(days=60).certificate)
    assert said in why_obtain(root, name, directory, way)


def test_another_name_gets_one_of_its_own(tmp_path: Path) -> None:
    """Keep the served certificate until nginx reloads."""
    root = lineage(tmp_path, make(days=60).certificate)
    assert why_obtain(root, "new.example.org", DIRECTORY, "webroot") == "none exists yet"
    assert names_kept(root) == [NAME]
    assert names_kept(tmp_path / "nowhere") == []


def test_one_for_other_names_is_replaced(tmp_path: Path) -> None:
    root = lineage(tmp_path, make(names=("other.example.org",), days=60).certificate)
    assert f"is not for {NAME}" in why_obtain(root, NAME, DIRECTORY, "webroot")


def test_a_certificate_that_certbot_cannot_delete(tmp_path: Path) -> None:
    with pytest.raises(AcmeError, match=f"cannot delete the certificate of {NAME}: no such one"):
        forget(lambda *_: (1, "", "no such one"), tmp_path, NAME)


def test_none_an_unreadable_and_an_ended_one_are_replaced(tmp_path: Path) -> None:
    assert why_obtain(tmp_path / "a", NAME, DIRECTORY, "webroot") == "none exists yet"
    broken = lineage(tmp_path / "b", "-----BEGIN CERTIFICATE-----\nno\n")
    assert "is unreadable" in why_obtain(broken, NAME, DIRECTORY, "webroot")
    ended = lineage(tmp_path / "c", make(days=-1).certificate)
    assert "was not renewed" in why_obtain(ended, NAME, DIRECTORY, "webroot")


def test_options_by_http(tmp_path: Path) -> None:
    files = wanted_files(TLS, tmp_path, "/var/webroot")
    text, mode = files["cli.ini"]
    assert mode == 0o600
    for line in (
        f"server = {DIRECTORY}",
        "authenticator = webroot",
        "webroot-path = /var/webroot",
        "email = ops@example.org",
        "key-type = ecdsa",
        "deploy-hook = systemctl reload nginx",
    ):
        assert line in text.splitlines()
    assert not set(OPTIONAL) & set(files)


def test_options_by_dns_with_an_internal_server(tmp_path: Path) -> None:
    tls = {**DNS, "directory_ca": "PEM OF THE CA", "eab_kid": "kid", "eab_hmac_key": "aGk"}
    files = wanted_files({**tls, "email": None}, tmp_path, "/var/webroot")
    text, _ = files["cli.ini"]
    assert authenticator_of(tls) == "dns-rfc2136"
    assert f"dns-rfc2136-credentials = {tmp_path}/dns.ini" in text
    assert "dns-rfc2136-propagation-seconds = 5" in text
    assert "register-unsafely-without-email = true" in text
    assert "eab-kid = kid" in text and "eab-hmac-key = aGk" in text
    assert "s3cret" not in text and "webroot-path" not in text
    assert files["dns.ini"] == (
        "# Written by tgi-ansible\ndns_rfc2136_secret = s3cret\n",
        0o600,
    )
    assert files["authorities.pem"][0].endswith("PEM OF THE CA\n")
    assert str(tmp_path / "authorities.pem") in files["environment"][0]


# Recorded from certbot 2.1 and 4.0
SAID = {
    "is not trusted: set gateway_tls.directory_ca": (
        "requests.exceptions.SSLError: HTTPSConnectionPool(host='acme', port=14000): Max retries "
        "exceeded with url: /dir (Caused by SSLError(SSLCertVerificationError(1, '[SSL: "
        "CERTIFICATE_VERIFY_FAILED] certificate verify failed: unable to get local issuer "
        "certificate (_ssl.c:992)')))"
    ),
    "create a DNS record for gateway_server_name": (
        "  Domain: llm.example.org\n  Type:   dns\n  Detail: DNS problem: NXDOMAIN looking up A "
        "for llm.example.org - check that a DNS record exists for this domain"
    ),
    "port 80 of gateway_server_name must lead": (
        "  Type:   connection\n  Detail: 192.0.2.1: Fetching http://llm.example.org/.well-known/"
        "acme-challenge/x: Timeout during connect (likely firewall problem)"
    ),
    "wait as long as the server says": (
        "An unexpected error occurred:\nError creating new order :: too many certificates (5) "
        "already issued for this exact set of domains in the last 168h0m0s"
    ),
    "set gateway_tls.eab_kid": (
        "urn:ietf:params:acme:error:externalAccountRequired :: The request must include an "
        "external account binding"
    ),
    "another server answers for the name": (
        "  Type:   unauthorized\n  Detail: 192.0.2.1: Invalid response from "
        "http://llm.example.org/.well-known/acme-challenge/x: 404"
    ),
    "read /var/log/tgi-gateway-acme": "An unknown failure",
}


@pytest.mark.parametrize("remedy", SAID)
def test_a_refusal_names_its_remedy(tmp_path: Path, remedy: str) -> None:
    noise = "Saving debug log to /var/log/x\nAsk for help or search for solutions at y\n"

    def run(command: list[str], more: dict[str, str]) -> tuple[int, str, str]:
        assert "--config" in command
        assert more == {}
        return 1, noise, SAID[remedy]

    with pytest.raises(AcmeError) as caught:
        obtain(run, tmp_path, NAME, force=False)
    message = str(caught.value)
    assert remedy in message
    assert "\n" not in message
    assert "Ask for help" not in message


def test_force_is_for_one_that_is_there(tmp_path: Path) -> None:
    asked: list[list[str]] = []

    def run(command: list[str], _: dict[str, str]) -> tuple[int, str, str]:
        asked.append(command)
        return 0, "", ""

    obtain(run, tmp_path, NAME, force=False)
    obtain(run, tmp_path, NAME, force=True)
    assert ["--force-renewal" in command for command in asked] == [False, True]


@pytest.mark.parametrize(
    ("days", "setting"),
    [(1, "12 hours"), (5, "60 hours"), (46, "368 hours"), (63, ""), (89, "")],
)
def test_how_long_before_its_end_a_certificate_is_due(
    tmp_path: Path, days: int, setting: str
) -> None:
    """certbot 2.1 would renew one of 24 hours at each look, and use up the server's limit."""
    root = lineage(tmp_path, make(start=0, days=days).certificate)
    path, before, after = renewal_options(root, NAME)
    assert path.read_text() == before
    assert after == (f"renew_before_expiry = {setting}\n{before}" if setting else before)
    path.write_text(after)
    assert renewal_options(root, NAME)[1:] == (after, after)


def test_the_setting_goes_when_certificates_live_long_again(tmp_path: Path) -> None:
    root = lineage(tmp_path, make(days=90).certificate)
    path, plain, _ = renewal_options(root, NAME)
    path.write_text(f"renew_before_expiry = 12 hours\n{plain}")
    assert renewal_options(root, NAME)[2] == plain
    assert renewal_options(root, "other.example.org")[1:] == ("", "")


def test_before_the_first_certificate_no_library_is_needed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A check run on a fresh host comes before certbot, which brings cryptography."""
    monkeypatch.setitem(sys.modules, "cryptography", None)
    assert why_obtain(tmp_path, NAME, DIRECTORY, "webroot") == "none exists yet"
    assert renewal_options(tmp_path, NAME)[1:] == ("", "")
