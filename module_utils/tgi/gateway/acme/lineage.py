"""Decide whether certbot must obtain a certificate: wrong name, wrong server, or near its end."""

from __future__ import annotations

import datetime
import re
from pathlib import Path
from typing import Any

# certbot renews in the last third of a lifetime, or the last 30 days: long before this
_LATE = 0.1


def why_obtain(root: Path, server_name: str, directory: str, authenticator: str) -> str:
    """Return why a certificate must be obtained now; empty when none is needed.

    ``root`` is certbot's configuration directory; ``directory`` the ACME server's URL and
    ``authenticator`` certbot's name for the challenge. certbot's timer renews in time; here a
    certificate is due only when that has failed (a tenth of its lifetime is left).
    """
    try:
        text = (root / "live" / server_name / "fullchain.pem").read_bytes()
        renewal = (root / "renewal" / f"{server_name}.conf").read_text(encoding="utf-8")
    except OSError:
        return "none exists yet"
    leaf = _leaf(text)
    if leaf is None:
        return "its file is unreadable"
    if server_name not in _names(leaf):
        return f"the current one is not for {server_name}"
    if _noted(renewal, "server") != directory:
        return "the current one is from another ACME server"
    if _noted(renewal, "authenticator") != authenticator:
        return "the challenge has changed"
    start, end = _times(leaf)
    if end - _now() < (end - start) * _LATE:
        return f"the current one ends on {end:%Y-%m-%d}, and was not renewed"
    return ""


def names_kept(root: Path) -> list[str]:
    """Return the names of the certificates that certbot keeps, sorted."""
    return sorted(path.name[: -len(".conf")] for path in (root / "renewal").glob("*.conf"))


def _noted(renewal: str, name: str) -> str:
    found = re.search(rf"(?m)^{name} *= *(.*?) *$", renewal)
    return found.group(1) if found else ""


def _leaf(text: bytes) -> Any:
    # The hosts' oldest cryptography (38) reads one certificate at a time
    from cryptography import x509

    try:
        return x509.load_pem_x509_certificate(text)
    except ValueError:
        return None


def _times(leaf: Any) -> tuple[datetime.datetime, datetime.datetime]:
    if hasattr(leaf, "not_valid_after_utc"):
        return leaf.not_valid_before_utc, leaf.not_valid_after_utc
    zone = datetime.timezone.utc
    return leaf.not_valid_before.replace(tzinfo=zone), leaf.not_valid_after.replace(tzinfo=zone)


def _names(leaf: Any) -> list[str]:
    from cryptography import x509

    try:
        extension = leaf.extensions.get_extension_for_class(x509.SubjectAlternativeName)
    except x509.ExtensionNotFound:
        return []
    return list(extension.value.get_values_for_type(x509.DNSName))


def _now() -> datetime.datetime:
    return datetime.datetime.now(datetime.timezone.utc)
