"""Test that PEM text is read as people paste it, and written as OpenSSL reads it."""

from __future__ import annotations

import ssl
import subprocess
import textwrap
from collections.abc import Callable
from pathlib import Path

import pytest
from ansible.module_utils.tgi.common.pem_text import (
    CERTIFICATE,
    KEY,
    PemError,
    blocks,
    certificate_text,
    has_key,
    written,
)

from tests.support.tls_pairs import Pair, make

ROOT = make((), called="Root")
LEAF = make(by=ROOT)
CHAIN = LEAF.certificate + ROOT.certificate
FORMS: dict[str, Callable[[str], str]] = {
    "as it is": str,
    "without the line break between two": lambda text: text.replace("-----\n-----", "----------"),
    "without the last line break": str.strip,
    "indented": lambda text: textwrap.indent(text, "  "),
    "only the second indented": lambda text: text.replace("-----\n-----", "-----\n -----"),
    "line breaks became spaces": lambda text: text.replace("\n", " "),
    "line breaks as JSON writes them": lambda text: text.replace("\n", "\\n"),
    "Windows": lambda text: text.replace("\n", "\r\n"),
    "with a byte order mark": lambda text: f"\ufeff{text}",
    "base64 in one line": lambda text: text.replace("\n", "").replace(
        "CERTIFICATE-----", "CERTIFICATE-----\n"
    ),
    "with words around": lambda text: f"subject=CN = a\n# old\n\n{text}\nBag Attributes\n",
    "with one that is commented out": lambda text: textwrap.indent(text, "# ") + text,
    "with its key": lambda text: LEAF.key + text + LEAF.key,
}


@pytest.mark.parametrize("form", FORMS)
def test_one_text_comes_of_every_form(form: str) -> None:
    assert certificate_text(FORMS[form](CHAIN)) == CHAIN


@pytest.mark.parametrize("form", [name for name in FORMS if "key" not in name])
def test_a_key_too(form: str) -> None:
    (block,) = blocks(FORMS[form](LEAF.key), KEY)
    assert written(*block) == LEAF.key


def openssl_reads(path: Path, pair: Pair, text: str) -> bool:
    path.write_text(text + pair.key)
    try:
        ssl.create_default_context().load_cert_chain(path)
    except ssl.SSLError:
        return False
    return True


def test_openssl_reads_what_is_written_and_not_what_was_given(tmp_path: Path) -> None:
    given = FORMS["without the line break between two"](CHAIN)
    assert not openssl_reads(tmp_path / "a.pem", LEAF, given)
    assert openssl_reads(tmp_path / "a.pem", LEAF, certificate_text(given))


def test_the_old_name_of_a_certificate() -> None:
    assert certificate_text(CHAIN.replace("CERTIFICATE", "X509 CERTIFICATE")) == CHAIN


BROKEN = {
    "certificate 2 of 2 is cut off": CHAIN[: CHAIN.rindex("-----END")],
    "certificate 1 of 2 is cut off": CHAIN.replace("-----END CERTIFICATE-----", "", 1),
    "certificate 1 of 2 has characters that are not base64": CHAIN.replace("MI", "M!", 1),
    "there is no certificate in it": LEAF.key,
}


@pytest.mark.parametrize("words", BROKEN)
def test_what_is_broken_is_named_and_not_quoted(words: str) -> None:
    with pytest.raises(PemError) as error:
        certificate_text(BROKEN[words])
    assert str(error.value) == words


def test_a_key_with_a_password(tmp_path: Path) -> None:
    (tmp_path / "a.key").write_text(LEAF.key)
    for form in ("pkcs8 -topk8", "ec -aes256"):
        command = ["openssl", *form.split(), "-in", "a.key", "-passout", "pass:secret"]
        made = subprocess.run(command, cwd=tmp_path, check=True, capture_output=True, text=True)
        with pytest.raises(PemError, match="private key has a password"):
            blocks(made.stdout, KEY)


def test_nothing_gives_nothing() -> None:
    assert certificate_text("") == ""
    assert blocks("words", CERTIFICATE) == []
    assert not has_key(CHAIN)
    assert has_key(CHAIN + LEAF.key[:30])
