"""Decide whether certbot must obtain a certificate: wrong name, wrong server, or near its end."""

from __future__ import annotations

import datetime
import re
from pathlib import Path
from typing import Any

from ...common.files import read, read_bytes

# certbot renews in the last third of a lifetime, or the last 30 days: long before this
_LATE = 0.1
# certbot before 4.0 renews 30 days before the end, so such a certificate at each look
_SHORT = datetime.timedelta(days=60)
_VERY_SHORT = datetime.timedelta(days=10)
_SETTING = re.compile(r"(?m)^renew_before_expiry *=.*\n")


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


def renewal_options(root: Path, server_name: str) -> tuple[Path, str, str]:
    """Return certbot's options of a certificate: path, text, and the text as it should be.

    One that lives for less than 60 days is due with a third of its lifetime left, or with half if
    that is less than 10 days, as certbot 4.0 does by itself. Both are empty if there is none.
    """
    path = root / "renewal" / f"{server_name}.conf"
    text, leaf = read(path), _leaf(read_bytes(root / "live" / server_name / "fullchain.pem"))
    if not text or leaf is None:
        return path, text, text
    start, end = _times(leaf)
    plain = _SETTING.sub("", text)
    if end - start >= _SHORT:
        return path, text, plain
    part = (end - start) / (2 if end - start < _VERY_SHORT else 3)
    hours = max(1, round(part / datetime.timedelta(hours=1)))
    return path, text, f"renew_before_expiry = {hours} hours\n{plain}"


def names_kept(root: Path) -> list[str]:
    """Return the names of the certificates that certbot keeps, sorted."""
    return sorted(path.name[: -len(".conf")] for path in (root / "renewal").glob("*.conf"))


def _noted(renewal: str, name: str) -> str:
    found = re.search(rf"(?m)^{name} *= *(.*)$", renewal)
    return found.group(1).strip() if found else ""


def _leaf(text: bytes) -> Any:
    if not text:
        # Before the first one a check run has no library to read it
        return None
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
