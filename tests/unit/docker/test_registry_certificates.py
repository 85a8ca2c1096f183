"""Test which authorities of registries are accepted, and under which names."""

from __future__ import annotations

from pathlib import Path

import pytest
from ansible.module_utils.tgi.docker.registry_certificates import (
    CertificateRefusedError,
    check_authority,
    plan,
)

from tests.support.tls_pairs import make

PAIR = make()
PEM = PAIR.certificate


@pytest.mark.parametrize("name", ["registry", "r.example.org:5000", "10.0.0.9:5000", "[fd00::1]:5"])
def test_names_of_registries(name: str) -> None:
    check_authority(name, PEM)
    check_authority(name, "/etc/ssl/ca.pem")


@pytest.mark.parametrize("name", ["", "..", "a/b", "https://r.example.org", "r:port", "a b", "-"])
def test_what_is_named_like_no_registry(name: str) -> None:
    with pytest.raises(CertificateRefusedError, match="is not a registry's name"):
        check_authority(name, PEM)


REFUSED = {
    "nothing": ("", "is not a PEM certificate"),
    "words": ("REPLACE_ME", "is not a PEM certificate"),
    "cut": (PEM[: len(PEM) // 2], "is not a PEM certificate"),
    "not base64": (PEM.replace(PEM[30:90], "!" * 60), "is not a PEM certificate"),
    "with its key": (PEM + PAIR.key, "contains a private key"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_is_no_authority(case: str) -> None:
    text, words = REFUSED[case]
    with pytest.raises(CertificateRefusedError, match=rf"docker_registry_cas\.r:5 {words}"):
        check_authority("r:5", text)


def test_what_docker_would_skip_is_written_as_it_reads_it(tmp_path: Path) -> None:
    other = make().certificate
    (text,) = plan(tmp_path, {"r": f" {PEM}{other}".replace("-----\n-----", "----------")}).values()
    assert text.endswith(f"\n{PEM}{other}")


def test_a_path_of_the_host_is_read(tmp_path: Path) -> None:
    (tmp_path / "ca.pem").write_text(PEM)
    (text,) = plan(tmp_path / "certs.d", {"r": str(tmp_path / "ca.pem")}).values()
    assert PEM.strip() in text
    with pytest.raises(CertificateRefusedError, match="cannot read /no/such on the host"):
        plan(tmp_path, {"r": "/no/such"})
    (tmp_path / "ca.pem").write_text("<html>")
    with pytest.raises(CertificateRefusedError, match="is not a PEM certificate"):
        plan(tmp_path, {"r": str(tmp_path / "ca.pem")})
