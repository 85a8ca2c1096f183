"""Sign SHA256SUMS of a bundle, and verify its signature, by minisign or gpg.

Both programs are run: which one, the key's file decides. A passphrase goes to them by stdin.
"""

from __future__ import annotations

import contextlib
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path

from ..common.commands import run
from ..common.problem import problem
from ..packages.openpgp import KeyFormatError, dearmor
from .bundle_form import BundleError
from .sums import SIGNATURES, SUMS

MINISIGN, GPG = SIGNATURES
_MINISIGN_PUBLIC = b"minisign public key"
_MINISIGN_SECRET = (b"minisign secret key", b"minisign encrypted secret key")
_PGP_SECRET = b"PGP PRIVATE KEY BLOCK"
_PGP_PUBLIC = b"PGP PUBLIC KEY BLOCK"
#: First byte of a binary OpenPGP packet: secret key, public key, each in the old and new format
_PGP_SECRET_BYTES = (0x94, 0x95, 0x96, 0xC5)
_PGP_PUBLIC_BYTES = (0x98, 0x99, 0x9A, 0xC6)
_SECONDS = 120
_INSTALL = "apt-get install {0}, or dnf install {0} (minisign: from EPEL)"


def secret_kind(key: Path) -> str:
    """Return "minisign" or "gpg" for a file with a secret key; raise BundleError for others."""
    content = _content(key, "bundle_signing_key")
    head = content.splitlines()[0] if content else b""
    if any(word in head for word in _MINISIGN_SECRET):
        return "minisign"
    if _PGP_SECRET in content or content[:1] in map(_byte, _PGP_SECRET_BYTES):
        return "gpg"
    what = f"is {key}, which has no secret key of minisign or gpg"
    if _MINISIGN_PUBLIC in head or _PGP_PUBLIC in content:
        what = f"is {key}, a public key, which cannot sign"
    remedy = "write the file that minisign -G or gpg --export-secret-keys made"
    raise BundleError(problem("bundle_signing_key", what, remedy))


def public_kind(key: Path) -> str:
    """Return "minisign" or "gpg" for a file with a public key; raise BundleError for others."""
    content = _content(key, "bundle_public_key")
    head = content.splitlines()[0] if content else b""
    if _MINISIGN_PUBLIC in head:
        return "minisign"
    if _PGP_PUBLIC in content or content[:1] in map(_byte, _PGP_PUBLIC_BYTES):
        return "gpg"
    what = f"is {key}, which has no public key of minisign or gpg"
    if any(word in head for word in _MINISIGN_SECRET) or _PGP_SECRET in content:
        what = f"is {key}, a secret key, which belongs on no other machine"
    remedy = "write the file that minisign -G or gpg --export made"
    raise BundleError(problem("bundle_public_key", what, remedy))


def check_signer(key: Path, passphrase: str = "") -> None:
    """Sign something small, so that a wrong passphrase shows before long work."""
    with tempfile.TemporaryDirectory() as place:
        (Path(place) / SUMS).write_bytes(b"")
        sign_sums(Path(place), key, passphrase)


def sign_sums(bundle: Path, key: Path, passphrase: str = "") -> str:
    """Sign SHA256SUMS, and return the name of the signature; an older one is gone before.

    Raise BundleError when the program refuses.
    """
    unsign(bundle)
    if secret_kind(key) == "minisign":
        asked = ["minisign", "-S", "-s", str(key.resolve()), "-x", MINISIGN, "-m", SUMS]
        # Asked twice when the first was wrong: without an end of input it would wait
        _run(asked, "minisign", bundle, f"{passphrase}\n" if passphrase else "", _WRONG)
        return MINISIGN
    with _gpg_home() as home:
        gpg = ["gpg", "--homedir", home, "--batch", "--no-tty", "--pinentry-mode", "loopback"]
        _run(
            [*gpg, "--passphrase-fd", "0", "--import", str(key.resolve())],
            "gpg",
            bundle,
            passphrase,
        )
        sign = ["--passphrase-fd", "0", "--armor", "--output", GPG, "--detach-sign", SUMS]
        _run([*gpg, *sign], "gpg", bundle, passphrase, _WRONG)
    return GPG


def unsign(bundle: Path) -> None:
    """Delete signatures: they are of another SHA256SUMS."""
    for name in SIGNATURES:
        with contextlib.suppress(FileNotFoundError):
            (bundle / name).unlink()


def verify_signature(bundle: Path, key: Path) -> None:
    """Raise BundleError unless SHA256SUMS is signed by the holder of a public key."""
    kind = public_kind(key)
    name = MINISIGN if kind == "minisign" else GPG
    if not (bundle / name).is_file():
        other = GPG if name == MINISIGN else MINISIGN
        what = f"has no {name}, which {kind} makes"
        remedy = "sign it with that key"
        if (bundle / other).is_file():
            remedy = f"it has {other}: write the public key of the other program"
        raise BundleError(problem(str(bundle), what, remedy))
    if kind == "minisign":
        asked = ["minisign", "-V", "-q", "-p", str(key.resolve()), "-x", name, "-m", SUMS]
        _run(asked, "minisign", bundle, "", _FORGED.format(key))
        return
    with tempfile.TemporaryDirectory() as place:
        ring = Path(place) / "key.gpg"
        try:
            ring.write_bytes(dearmor(_content(key, "bundle_public_key")))
        except KeyFormatError as error:
            remedy = "write the file that gpg --armor --export made"
            raise BundleError(problem("bundle_public_key", f"is {key}: {error}", remedy)) from error
        asked = ["gpgv", "--homedir", place, "--keyring", str(ring), name, SUMS]
        _run(asked, "gpgv", bundle, "", _FORGED.format(key))


_WRONG = "correct bundle_signing_key, or its passphrase in bundle_signing_passphrase"
_FORGED = (
    "take the bundle again from who made it, and compare {} with theirs; until then trust nothing "
    "in it"
)


@contextlib.contextmanager
def _gpg_home() -> Iterator[str]:
    """Make a keyring for this moment; the user's own stays as it is."""
    with tempfile.TemporaryDirectory(prefix="gpg-") as home:
        try:
            yield home
        finally:
            run(["gpgconf", "--homedir", home, "--kill", "gpg-agent"])


def _run(
    command: Sequence[str], package: str, bundle: Path, stdin: str, remedy: str = _WRONG
) -> None:
    done = run(command, _SECONDS, stdin=stdin, cwd=bundle, own_session=True)
    if done.rc is None:
        what = f"needs the program {command[0]}, which this machine does not have"
        raise BundleError(problem("the bundle's signature", what, _INSTALL.format(package)))
    if done.rc:
        said = [line for line in (done.err + done.out).splitlines() if line.strip()]
        what = f"is refused by {command[0]}: {' / '.join(said[-2:]) or done.rc}"
        raise BundleError(problem(str(bundle / SUMS), what, remedy))


def _content(key: Path, variable: str) -> bytes:
    try:
        return key.read_bytes()
    except OSError as error:
        what = f"is {key}, which cannot be read ({error.strerror})"
        raise BundleError(problem(variable, what, "write the path of a key's file")) from error


def _byte(value: int) -> bytes:
    return bytes([value])
