"""Small signed apt repositories, made of packages without files."""

from __future__ import annotations

import gzip
import hashlib
import lzma
import subprocess
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path


class Signer:
    """A key of gpg in a keyring of its own."""

    def __init__(self, home: Path) -> None:
        home.mkdir(mode=0o700)
        self._gpg = ["gpg", "--homedir", str(home), "--batch", "--quiet", "--pinentry-mode",
                     "loopback", "--passphrase", ""]  # fmt: skip
        self._home = home
        self._run("--quick-generate-key", "archive@example.org", "ed25519", "sign", "never")

    def _run(self, *words: str, given: bytes = b"") -> bytes:
        done = subprocess.run([*self._gpg, *words], input=given, capture_output=True, check=True)
        return done.stdout

    @property
    def public(self) -> bytes:
        """Return the public key, armored."""
        return self._run("--armor", "--export")

    @property
    def secret(self) -> bytes:
        """Return the secret key, armored."""
        return self._run("--armor", "--export-secret-keys")

    @property
    def fingerprint(self) -> str:
        """Return the key's fingerprint."""
        lines = self._run("--with-colons", "--list-keys").decode().splitlines()
        return next(line for line in lines if line.startswith("fpr:")).split(":")[9]

    def clearsign(self, text: str) -> bytes:
        """Return what a repository has as InRelease."""
        return self._run("--clearsign", given=text.encode())

    def close(self) -> None:
        """End gpg's agent."""
        stop = ["gpgconf", "--homedir", str(self._home), "--kill", "gpg-agent"]
        subprocess.run(stop, check=False)


@contextmanager
def signer(home: Path) -> Iterator[Signer]:
    """Make a key for the time of a test."""
    made = Signer(home)
    try:
        yield made
    finally:
        made.close()


def deb(place: Path, name: str, version: str = "1.0", depends: str = "") -> Path:
    """Build a package that has no files."""
    tree = place / f".{name}-{version}"
    (tree / "DEBIAN").mkdir(parents=True)
    lines = [f"Package: {name}", f"Version: {version}", "Architecture: amd64",
             "Maintainer: A <a@example.org>", "Description: made for a test"]  # fmt: skip
    lines += [f"Depends: {depends}"] if depends else []
    (tree / "DEBIAN/control").write_text("\n".join([*lines, ""]))
    made = place / f"{name}_{version.replace(':', '%3a')}_amd64.deb"
    subprocess.run(
        ["dpkg-deb", "--root-owner-group", "-Zgzip", "-z1", "--build", str(tree), str(made)],
        check=True,
        capture_output=True,
    )
    return made


def stanza(package: Path, below: Path) -> str:
    """Return what Packages says of a package."""
    fields = subprocess.run(
        ["dpkg-deb", "--field", str(package)], check=True, capture_output=True, text=True
    ).stdout
    content = package.read_bytes()
    return (
        f"{fields}Filename: {package.relative_to(below)}\nSize: {len(content)}\n"
        f"SHA256: {hashlib.sha256(content).hexdigest()}\n"
    )


def publish(
    repository: Path,
    suite: str,
    packages: Iterable[Path],
    key: Signer,
    flat: bool = False,
    plain_only: bool = False,
) -> None:
    """Write a suite: Packages as xz and gz, as Debian's, and a signed InRelease.

    ``plain_only`` has Packages alone, as small repositories do.
    """
    at = repository if flat else repository / "dists" / suite
    names = "Packages" if flat else "main/binary-amd64/Packages"
    text = "\n".join(stanza(one, repository) for one in packages).encode()
    forms = {names: text}
    if not plain_only:
        forms.update({f"{names}.xz": lzma.compress(text), f"{names}.gz": gzip.compress(text)})
    for name, content in forms.items():
        # As Debian's mirrors: the plain form is signed, and not there
        if name != names or plain_only or flat:
            (at / name).parent.mkdir(parents=True, exist_ok=True)
            (at / name).write_bytes(content)
    sums = [f" {hashlib.sha256(one).hexdigest()} {len(one)} {name}" for name, one in forms.items()]
    release = [
        "Origin: test", f"Suite: {suite}", f"Codename: {suite}", "Architectures: amd64",
        "Components: main", "Date: Sun, 29 Nov 2026 00:00:00 UTC", "SHA256:", *sums, "",
    ]  # fmt: skip
    (at / "InRelease").write_bytes(key.clearsign("\n".join(release)))
