"""Test that hosts get certificates as OpenSSL reads them, and no key in an open file."""

from __future__ import annotations

import ssl
import textwrap
from pathlib import Path
from typing import Any

import pytest

from tests.support.render_gateway import render
from tests.support.tls_pairs import make

ROOT = make((), called="Root")
LEAF = make(by=ROOT)
CHAIN = LEAF.certificate + ROOT.certificate
GLUED = CHAIN.replace("-----\n-----", "----------")


def tls(path: Path, source: str, certificate: str, key: str) -> dict[str, Any]:
    if source == "content":
        return {"source": source, "certificate_content": certificate, "key_content": key}
    (path / "a.crt").write_text(certificate)
    (path / "a.key").write_text(key)
    return {"source": source, "certificate": str(path / "a.crt"), "key": str(path / "a.key")}


@pytest.mark.parametrize("source", ["files", "content"])
@pytest.mark.parametrize(
    ("certificate", "key"),
    [
        (CHAIN, LEAF.key),
        (GLUED, textwrap.indent(LEAF.key, " ")),
        (CHAIN.replace("\n", " "), LEAF.key.replace("\n", " ")),
        # HAProxy's form: one file with all of it
        (LEAF.key + CHAIN, CHAIN + LEAF.key),
    ],
)
def test_a_good_file_is_written_as_it_is_and_any_other_like_it(
    tmp_path: Path, source: str, certificate: str, key: str
) -> None:
    files = render(gateway_tls=tls(tmp_path, source, certificate, key))
    assert files["tls.crt"] == CHAIN
    assert files["tls.key"] == LEAF.key
    for name in ("tls.crt", "tls.key"):
        (tmp_path / name).write_text(files[name])
    ssl.create_default_context().load_cert_chain(tmp_path / "tls.crt", tmp_path / "tls.key")


def test_the_authority_of_clients_comes_without_its_key(tmp_path: Path) -> None:
    (tmp_path / "ca.pem").write_text(f"# ours\n{ROOT.key}{ROOT.certificate.strip()}")
    files = render(gateway_client_ca=str(tmp_path / "ca.pem"))
    assert files["client_ca.crt"] == ROOT.certificate
