"""Test that files of the checks which OpenSSL cannot read are refused before any change."""

from __future__ import annotations

import textwrap
from pathlib import Path
from typing import Any

import pytest
from ansible.module_utils.tgi.common.files import read_head
from ansible.module_utils.tgi.common.problem import UNKNOWN
from ansible.module_utils.tgi.preflight.checks_files import check_files

from tests.support.tls_pairs import make

PAIR = make()
PRIVATE = {"gateway_tls": {"source": "private_ca"}}


def check(**values: Any) -> list[str]:
    return list(check_files(values, read_head))


def file(path: Path, text: str) -> str:
    path.write_text(text)
    return str(path)


def test_what_is_let_through(tmp_path: Path) -> None:
    both = file(tmp_path / "both.pem", PAIR.certificate + PAIR.key)
    assert check(checks_ca_file=both, checks_client_certificate=both) == []
    assert check(checks_ca_file="", checks_client_certificate=UNKNOWN) == []
    # The role makes its own in the first run; the checks read a pasted one too
    assert check(checks_ca_file="/none", **PRIVATE) == []
    pasted = file(tmp_path / "pasted.pem", textwrap.indent(PAIR.certificate, "  "))
    assert check(checks_ca_file=pasted) == []


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "which contains no readable certificate; write the path of a whole PEM file"),
        (PAIR.certificate[:-30], "which is broken: certificate is cut off; write the path of a"),
    ],
)
def test_an_authority(tmp_path: Path, text: str, words: str) -> None:
    path = file(tmp_path / "ca.pem", text)
    (found,) = check(checks_ca_file=path)
    assert found.startswith(f"checks_ca_file is {path}, {words}")


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "which OpenSSL cannot read: no certificate with its key"),
        (PAIR.certificate, "which OpenSSL cannot read: "),
        (textwrap.indent(PAIR.certificate, " ") + PAIR.key, "which OpenSSL cannot read: "),
        (PAIR.certificate + make().key, "which OpenSSL cannot read: key values mismatch"),
    ],
)
def test_a_clients_certificate(tmp_path: Path, text: str, words: str) -> None:
    (found,) = check(checks_client_certificate=file(tmp_path / "a.pem", text), **PRIVATE)
    assert words in found
    assert found.endswith("; write a PEM file with the certificate, then its private key without "
                          "a password")  # fmt: skip


def test_one_that_is_not_there() -> None:
    found = check(checks_ca_file="/none", checks_client_certificate="/none")
    assert [line.split()[0] for line in found] == ["checks_ca_file", "checks_client_certificate"]
