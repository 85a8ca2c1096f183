"""Test chains that reach no root, are out of order, or are too weak."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from ansible.module_utils.tgi.gateway.tls import certificate_chain
from ansible.module_utils.tgi.gateway.tls.certificate import certificate_problems
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from tests.support.tls_pairs import NAME, Pair, make, rsa_key

ROOT = make((), called="Lab Root", days=3650)
MIDDLE = make((), by=ROOT, called="Lab Issuing", ca=True)
LEAF = make(by=MIDDLE)
STRANGER = make((), called="Stranger")
CHAIN = [LEAF, MIDDLE]


@pytest.fixture(autouse=True)
def store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Return a store of roots with one that issued none of these chains."""
    file = tmp_path / "roots.pem"
    file.write_text(f"# Stranger\n{STRANGER.certificate}")
    monkeypatch.setenv("SSL_CERT_FILE", str(file))
    certificate_chain.trusted_roots.cache_clear()
    yield file
    certificate_chain.trusted_roots.cache_clear()


def problems(chain: list[Pair], root: str = "", profile: str = "intermediate") -> list[str]:
    text = "".join(pair.certificate for pair in chain)
    found: list[str] = certificate_problems(text, chain[0].key, NAME, root, profile)
    return found


def test_with_its_root_in_the_file() -> None:
    assert problems([*CHAIN, ROOT]) == []


def test_with_a_root_of_ones_own() -> None:
    # A long file that was cut off
    both = STRANGER.certificate + ROOT.certificate + STRANGER.certificate[:99]
    assert problems(CHAIN, both) == []


def test_with_a_root_the_controller_trusts(store: Path) -> None:
    broken = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"
    store.write_text(broken + STRANGER.certificate + ROOT.certificate)
    assert problems(CHAIN) == []


def test_with_a_store_that_is_a_directory(
    tmp_path: Path, store: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store.unlink()
    (tmp_path / "0123abcd.0").write_text(ROOT.certificate)
    monkeypatch.setenv("SSL_CERT_DIR", str(tmp_path))
    assert problems(CHAIN) == []


def test_on_a_controller_without_roots(store: Path) -> None:
    store.write_text("")
    (found,) = problems(CHAIN)
    assert "; install ca-certificates on this controller, which has no roots, or write" in found


OLD = make((), by=ROOT, called="Old Issuing", ca=True, days=-0.5)
CLERK = make((), by=ROOT, called="Clerk", ca=False)
NAMESAKE = make((), called="Lab Issuing")
WEAK = make((), by=ROOT, called="Weak Issuing", ca=True, private=rsa_key(1024))
BROKEN = [
    (
        [LEAF],
        "ends at issuer Lab Issuing, which is not in the file and not a root that "
        "this controller trusts; write the full chain (fullchain.pem), or name your own root in "
        "gateway_tls.root",
    ),
    (CHAIN, "ends at issuer Lab Root, which is not in the file"),
    (
        [LEAF, ROOT, MIDDLE],
        "is out of order: leaf is followed by Lab Root, not by Lab Issuing; "
        "put the server's own certificate first",
    ),
    (
        [LEAF, LEAF, MIDDLE, ROOT],
        "contains leaf twice, as certificates 1 and 2 of 4; delete one of them",
    ),
    ([LEAF, STRANGER], "is broken: Lab Issuing issued leaf, but Stranger follows; put Lab Issuing"),
    # The same name with another key
    ([LEAF, NAMESAKE], "is broken: Lab Issuing issued leaf, but Lab Issuing follows"),
    ([make(by=OLD), OLD, ROOT], "contains Old Issuing, which expired on"),
    (
        [make(by=CLERK), CLERK, ROOT],
        "contains Clerk as an issuer, which is not an authority (CA:TRUE)",
    ),
    ([make(by=WEAK), WEAK, ROOT], "contains Weak Issuing, which has an RSA key of 1024 bits"),
    ([make(private=rsa_key(1024))], "has an RSA key of 1024 bits; get one of 2048 bits or more"),
    ([make(private=ec.generate_private_key(ec.SECP256K1()))], "has a key on secp256k1, which"),
]


@pytest.mark.parametrize(("chain", "words"), BROKEN)
def test_what_is_refused(chain: list[Pair], words: str) -> None:
    (found,) = problems(chain)
    assert found.startswith("gateway_tls.certificate ")
    assert words in found


@pytest.mark.parametrize("chain", [[MIDDLE, LEAF], [ROOT, MIDDLE, LEAF], [MIDDLE, LEAF, ROOT]])
def test_a_chain_turned_round_is_one_problem(chain: list[Pair]) -> None:
    text = "".join(pair.certificate for pair in chain)
    place = chain.index(LEAF) + 1
    assert certificate_problems(text, LEAF.key, NAME, ROOT.certificate) == [
        f"gateway_tls.certificate is out of order: the private key belongs to certificate {place} "
        f"of {len(chain)}, leaf; put that one first, then the issuer of each"
    ]


def test_the_order_is_checked_with_a_key_of_none_of_them() -> None:
    text = MIDDLE.certificate + LEAF.certificate
    found = certificate_problems(text, make().key, NAME)
    assert any("does not belong to the certificate" in line for line in found)
    assert any("is broken: Lab Root issued Lab Issuing, but leaf follows" in x for x in found)


def test_the_modern_profile_wants_ecdsa() -> None:
    chain = [make(private=rsa_key(2048))]
    assert problems(chain) == []
    (found,) = problems(chain, profile="modern")
    assert "has no ECDSA key, which gateway_tls_profile: modern requires; get one" in found
    assert "or write gateway_tls_profile: intermediate" in found
    # The issuers may have any key
    rsa_root = make((), private=rsa_key(2048))
    assert problems([make(by=rsa_root), rsa_root], profile="modern") == []


def sha1_root(tmp_path: Path) -> Pair:
    key, certificate = tmp_path / "k", tmp_path / "c"
    command = ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256"]
    command += ["-nodes", "-keyout", str(key), "-out", str(certificate), "-subj", "/CN=x"]
    command += ["-addext", f"subjectAltName=DNS:{NAME}", "-days", "90", "-sha1"]
    subprocess.run(command, check=True, capture_output=True)
    private: Any = load_pem_private_key(key.read_bytes(), None)
    return Pair(certificate.read_text(), key.read_text(), private)


def test_a_signature_with_sha1(tmp_path: Path) -> None:
    old = sha1_root(tmp_path)
    # Clients do not check a root's own signature
    assert problems([make(by=old), old]) == []
    (found,) = problems([old])
    assert "has a signature with SHA1; get one that is signed with SHA-256" in found


def test_a_root_that_cannot_be_read() -> None:
    (found,) = problems(CHAIN, "nothing")
    assert found.startswith("gateway_tls.root contains no readable certificate; write")


def test_the_names_of_what_is_pasted() -> None:
    found = certificate_problems(LEAF.certificate, ROOT.key, "other.org", suffix="_content")
    assert [line.split()[0] for line in found] == [
        "gateway_tls.key_content",
        "gateway_tls.certificate_content",
        "gateway_tls.certificate_content",
    ]
    (found_pem,) = certificate_problems(LEAF.certificate, "x", NAME, suffix="_content")
    assert found_pem == (
        "gateway_tls.key_content is not a PEM private key that nginx reads; "
        "write the PEM text as its file has it, without a password"
    )
