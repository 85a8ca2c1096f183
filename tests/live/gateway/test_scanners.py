"""Check that public scanners find no fault with a gateway."""

from __future__ import annotations

import socket
from pathlib import Path

import httpx
import pytest

from tests.support.live.named_client import NamedClient
from tests.support.live.scanners import gixy, graded, s_client, sslyze
from tests.support.live.sites import Site

COMPLIANT = "OK - Compliant"
# The private CA has no place to ask for revoked certificates
LAB_ONLY = {"cert_revocation"}
DEFECT = "location /defect { return 302 https://$host$uri; }\n    "


@pytest.mark.enough("gw13")
def test_testssl_grades_it_a_plus(graded_dry: Site) -> None:
    findings = graded(graded_dry)
    told = {finding["id"]: finding["finding"] for finding in findings}
    assert told.get("overall_grade") == "A+", told
    grave = {one["id"] for one in findings if one["severity"] in {"HIGH", "CRITICAL"}}
    assert grave <= LAB_ONLY, {name: told[name] for name in grave}


@pytest.mark.enough("gw12", "gw13")
def test_sslyze_finds_the_default_intermediate(site: Site) -> None:
    assert COMPLIANT in sslyze(site, "intermediate")


@pytest.mark.enough("gw13")
def test_sslyze_finds_the_default_not_modern(site: Site) -> None:
    """Or else the tests with sslyze could not fail."""
    assert COMPLIANT not in sslyze(site, "modern")


@pytest.mark.enough("gw13")
@pytest.mark.parametrize("name", ["gixy-ng", "gixy-next"])
def test_both_heirs_of_gixy_find_the_configuration_clean(
    graded_dry: Site, name: str, tmp_path: Path
) -> None:
    configuration = graded_dry.run("cat /etc/nginx/nginx.conf")
    code, told = gixy(name, configuration, tmp_path)
    assert code == 0, told
    flawed = configuration.replace("location = /health {", DEFECT + "location = /health {")
    assert flawed != configuration
    code, told = gixy(name, flawed, tmp_path)
    assert code == 1, told


@pytest.mark.enough("gw13")
def test_sslyze_finds_the_modern_profile_modern(modern_plain: Site) -> None:
    assert COMPLIANT in sslyze(modern_plain, "modern")
    told = s_client(modern_plain, f"-servername {modern_plain.name} -tls1_2")
    assert "alert protocol version" in told


def test_the_group_withstands_quantum_computers_where_openssl_has_it(site: Site) -> None:
    told = s_client(site, f"-servername {site.name}")
    new = "OpenSSL 3.5" in site.run("nginx -V 2>&1")
    assert ("X25519MLKEM768" in told) == new, told
    assert "TLSv1.3" in told


def test_old_protocols_and_unknown_names_are_refused(site: Site) -> None:
    known = f"-servername {site.name}"
    assert "Protocol version: TLSv1.2" in s_client(site, f"{known} -tls1_2")
    for old in ("-tls1", "-tls1_1"):
        told = s_client(site, f"{known} {old} -cipher DEFAULT@SECLEVEL=0")
        assert "alert protocol version" in told, told
    for name in ("-noservername", "-servername other.example"):
        told = s_client(site, name)
        assert "unrecognized name" in told, told


def test_plain_http_is_sent_to_https(site: Site) -> None:
    with httpx.Client(trust_env=False) as client:
        answer = client.get(f"http://{site.address}/v1/models?a=b", headers={"Host": site.name})
    assert answer.status_code == 308
    assert answer.headers["Location"] == f"https://{site.name}/v1/models?a=b"


@pytest.mark.parametrize(
    ("url", "headers", "status", "code"),
    [
        ("https://NAME/health", {"Host": "10.0.0.5:443"}, 421, "unknown_host"),
        ("https://NAME/health", {"Host": "other.example"}, 421, "unknown_host"),
        ("http://NAME:443/health", {}, 400, "https_required"),
        ("http://NAME/x", {"X-Forwarded-Proto": "https"}, 421, "https_required"),
        ("http://NAME/x", {"Forwarded": "for=192.0.2.1;proto=https"}, 421, "https_required"),
        ("http://NAME/.well-known/acme-challenge/none", {}, 404, "https_required"),
    ],
)
def test_who_asks_the_wrong_way_gets_the_right_url(
    site: Site, url: str, headers: dict[str, str], status: int, code: str
) -> None:
    with NamedClient(site.name, verify=site.context(), trust_env=False) as client:
        where = url.replace("NAME", site.address)
        answer = client.get(where, headers={"Host": site.name, **headers})
    assert (answer.status_code, answer.json()["error"]["code"]) == (status, code)
    if status == 421 and code == "unknown_host":
        assert site.name in answer.json()["error"]["message"]


def test_http_without_a_host_gets_its_answer(site: Site) -> None:
    line = socket.create_connection((site.address, 443))
    with site.context().wrap_socket(line, server_hostname=site.name) as tls:
        tls.sendall(b"GET /health HTTP/1.0\r\n\r\n")
        assert tls.recv(100).startswith(b"HTTP/1.1 200 OK")


def test_nginx_warns_of_nothing(site: Site) -> None:
    told = site.run("nginx -t 2>&1")
    assert "test is successful" in told
    assert "[warn]" not in told, told
