"""Test signatures by the real minisign and gpg."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from module_utils.tgi.bundle.bundle_form import BundleError
from module_utils.tgi.bundle.signature import (
    check_signer,
    public_kind,
    secret_kind,
    sign_sums,
    verify_signature,
)
from module_utils.tgi.bundle.sums import SUMS

PASSPHRASE = "planted-passphrase"
needs_minisign = pytest.mark.skipif(not shutil.which("minisign"), reason="no minisign here")
needs_gpg = pytest.mark.skipif(not shutil.which("gpgv"), reason="no gpg here")
both = pytest.mark.parametrize(
    "pair",
    [pytest.param("minisign", marks=needs_minisign), pytest.param("gpg", marks=needs_gpg)],
    indirect=True,
)


@pytest.fixture(scope="module")
def keys(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Make pairs of both programs: without a passphrase, with one, and a stranger's."""
    place = tmp_path_factory.mktemp("keys")
    home = tmp_path_factory.mktemp("h")
    for name, passphrase in (("open", ""), ("closed", PASSPHRASE), ("other", "")):
        # A passphrase costs minisign seconds and a gigabyte
        if shutil.which("minisign") and not passphrase:
            pair = ["-p", f"{name}.minisign.pub", "-s", f"{name}.minisign.key"]
            make = ["minisign", "-G", "-W", *pair]
            subprocess.run(make, cwd=place, check=True, capture_output=True)
        if shutil.which("gpg"):
            gpg = ["gpg", "--homedir", str(home), "--batch", "--pinentry-mode", "loopback",
                   "--passphrase", passphrase]  # fmt: skip
            make = ["--quick-generate-key", f"{name}@example.org", "ed25519", "sign", "never"]
            subprocess.run([*gpg, *make], check=True, capture_output=True)
            for kind, option in (("pub", "--export"), ("key", "--export-secret-keys")):
                to = ["--armor", "--output", str(place / f"{name}.gpg.{kind}")]
                subprocess.run([*gpg, *to, option, f"{name}@example.org"], check=True)
    yield place
    subprocess.run(["gpgconf", "--homedir", str(home), "--kill", "gpg-agent"], check=False)


@pytest.fixture
def pair(keys: Path, request: pytest.FixtureRequest) -> tuple[Path, str]:
    return keys, request.param


@pytest.fixture
def bundle(tmp_path: Path) -> Path:
    (tmp_path / SUMS).write_text("what is signed\n")
    return tmp_path


@both
def test_a_signature_is_verified(pair: tuple[Path, str], bundle: Path) -> None:
    keys, program = pair
    made = sign_sums(bundle, keys / f"open.{program}.key")
    assert sorted(one.name for one in bundle.iterdir()) == sorted([SUMS, made])
    verify_signature(bundle, keys / f"open.{program}.pub")


@both
def test_other_bytes_and_other_signers_are_refused(pair: tuple[Path, str], bundle: Path) -> None:
    keys, program = pair
    sign_sums(bundle, keys / f"open.{program}.key")
    with pytest.raises(BundleError, match=r"SHA256SUMS is refused by .*; take the bundle again"):
        verify_signature(bundle, keys / f"other.{program}.pub")
    (bundle / SUMS).write_text("what is signee\n")
    with pytest.raises(BundleError, match=r"SHA256SUMS is refused by .*; take the bundle again"):
        verify_signature(bundle, keys / f"open.{program}.pub")


@needs_gpg
def test_a_wrong_passphrase_is_said_and_shown_to_no_one(
    keys: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[str] = []
    real = subprocess.run

    def run(command: list[str], **more: object) -> object:
        seen.extend(command)
        return real(command, **more)  # type: ignore[call-overload]

    monkeypatch.setattr(subprocess, "run", run)
    for wrong in ("", "planted-wrong"):
        with pytest.raises(BundleError, match=r"correct bundle_signing_key, or its") as caught:
            check_signer(keys / "closed.gpg.key", wrong)
        assert "planted" not in str(caught.value)
    check_signer(keys / "closed.gpg.key", PASSPHRASE)
    assert seen
    assert "planted" not in " ".join(seen)


def test_minisign_gets_a_passphrase_by_stdin(
    tmp_path: Path, bundle: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Stand in for minisign, which takes seconds over one: read what it would read."""
    program = tmp_path / "bin/minisign"
    program.parent.mkdir()
    program.write_text('#!/bin/sh\nread -r line; echo "$line" "$@" >SHA256SUMS.minisig\n')
    program.chmod(0o755)
    (tmp_path / "key").write_text("untrusted comment: minisign encrypted secret key\nRW\n")
    monkeypatch.setenv("PATH", str(program.parent), prepend=":")
    sign_sums(bundle, tmp_path / "key", PASSPHRASE)
    given = (bundle / "SHA256SUMS.minisig").read_text()
    assert given.startswith(f"{PASSPHRASE} -S -s {tmp_path}/key ")


@needs_gpg
def test_a_binary_key_of_gpg_is_known(keys: Path, tmp_path: Path, bundle: Path) -> None:
    public, secret = tmp_path / "a.gpg", tmp_path / "b.gpg"
    for armored, binary in (("open.gpg.pub", public), ("open.gpg.key", secret)):
        with binary.open("wb") as out:
            subprocess.run(["gpg", "--dearmor"], stdin=(keys / armored).open("rb"), stdout=out,
                           check=True)  # fmt: skip
    assert (public_kind(public), secret_kind(secret)) == ("gpg", "gpg")
    sign_sums(bundle, secret)
    verify_signature(bundle, public)


@needs_gpg
@needs_minisign
def test_the_wrong_half_of_a_pair_is_said(keys: Path) -> None:
    for program in ("minisign", "gpg"):
        with pytest.raises(BundleError, match=r"a secret key, which belongs on no other machine"):
            public_kind(keys / f"open.{program}.key")
        with pytest.raises(BundleError, match=r"a public key, which cannot sign"):
            secret_kind(keys / f"open.{program}.pub")


@needs_gpg
@needs_minisign
def test_the_signature_of_the_other_program_is_said(keys: Path, bundle: Path) -> None:
    with pytest.raises(BundleError, match=r"has no SHA256SUMS.asc, which gpg makes; sign it"):
        verify_signature(bundle, keys / "open.gpg.pub")
    sign_sums(bundle, keys / "open.minisign.key")
    with pytest.raises(BundleError, match=r"it has SHA256SUMS.minisig: write the public key"):
        verify_signature(bundle, keys / "open.gpg.pub")
    sign_sums(bundle, keys / "open.gpg.key")
    assert not (bundle / "SHA256SUMS.minisig").exists()


def test_a_file_that_is_no_key_is_refused(tmp_path: Path) -> None:
    (tmp_path / "key").write_text("hello\n")
    with pytest.raises(BundleError, match=r"bundle_public_key is .*, which has no public key"):
        public_kind(tmp_path / "key")
    with pytest.raises(BundleError, match=r"bundle_signing_key is .*, which cannot be read"):
        secret_kind(tmp_path / "none")


def test_a_missing_program_is_said_with_how_to_install_it(
    tmp_path: Path, bundle: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    key = tmp_path / "a.pub"
    key.write_text("untrusted comment: minisign public key 1\nRW\n")
    (bundle / "SHA256SUMS.minisig").write_text("")
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(BundleError, match=r"needs the program minisign, .*; apt-get install"):
        verify_signature(bundle, key)
