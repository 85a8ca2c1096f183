"""Keep the CA certificates of private registries in certs.d/<registry>/ca.crt.

Docker reads them at each pull, so they need no reload.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path

from ..common import places
from ..common.files import read
from ..common.pem_text import CERTIFICATE, PemError, blocks, has_key, written

_REGISTRY = re.compile(r"(?:[A-Za-z0-9](?:[A-Za-z0-9.-]*[A-Za-z0-9])?|\[[0-9A-Fa-f:]+\])(?::\d+)?")
# Marks a file as ours; Docker ignores text before the first block
MARK = f"{places.MARK}\n"


class CertificateRefusedError(ValueError):
    """A registry's CA certificate is refused; the message contains the remedy."""


def check_authority(registry: str, given: str) -> None:
    """Check an entry: PEM text, or a path on the host, which is not read here."""
    where = f"docker_registry_cas.{registry}"
    if not _REGISTRY.fullmatch(registry):
        raise CertificateRefusedError(
            f"{where} is not a registry's name: write its host, and its port if it has one, "
            "such as registry.example.org:5000"
        )
    if not given.startswith("/"):
        _checked(where, given)


def _checked(where: str, text: str) -> str:
    """Return the certificates of a text as Docker reads them: it skips broken blocks."""
    if has_key(text):
        raise CertificateRefusedError(
            f"{where} contains a private key, which no host needs: write the certificate only"
        )
    try:
        found = blocks(text, CERTIFICATE)
    except PemError as error:
        found, reason = [], f" ({error})"
    else:
        reason = ""
    if not found or not all(content.startswith(b"\x30") for _, content in found):
        raise CertificateRefusedError(
            f"{where} is not a PEM certificate{reason}: write its text "
            "(-----BEGIN CERTIFICATE-----), or the path of one on the host"
        )
    return "".join(written(*one) for one in found)


def plan(directory: Path, authorities: Mapping[str, str]) -> dict[Path, str]:
    """Return files of certs.d to change, path -> text; "" removes the file.

    Removes files of ours whose registry is no longer listed. Raises CertificateRefusedError.
    """
    wanted: dict[Path, str] = {}
    for registry, given in authorities.items():
        check_authority(registry, given)
        text = _read(f"docker_registry_cas.{registry}", given)
        wanted[directory / registry / "ca.crt"] = text
    changes = {}
    for path, text in wanted.items():
        before = read(path)
        if before.removeprefix(MARK).strip() != text.strip():
            changes[path] = MARK + text
    for path in directory.glob("*/ca.crt"):
        if path not in wanted and read(path).startswith(MARK):
            changes[path] = ""
    return changes


def _read(where: str, given: str) -> str:
    if not given.startswith("/"):
        return _checked(where, given)
    try:
        text = Path(given).read_text()
    except (OSError, UnicodeDecodeError) as error:
        raise CertificateRefusedError(
            f"{where}: cannot read {given} on the host: {error}"
        ) from error
    return _checked(where, text)
