"""Fetch a repository's key, check its fingerprint, and remove it from old keyrings."""

from __future__ import annotations

from collections.abc import Callable
from http.client import HTTPException
from pathlib import Path

from .openpgp import KeyFormatError, armor, dearmor, keys, normalise

Fetch = Callable[[str], bytes]


class KeyRefusedError(ValueError):
    """The key is not the expected one; the message contains the remedy."""


def local_path(origin: str) -> str:
    """Return the path that ``origin`` names (/x, file:/x or file:///x); "" for a URL."""
    if origin.startswith("file:"):
        path = origin[len("file:") :]
        return "/" + path.lstrip("/") if path.startswith("/") else path
    return "" if "://" in origin else origin


def fetch(address: str) -> bytes:
    """Return the content of a URL. Raises OSError, HTTPException or ValueError."""
    # Slow to import, and needed only until the key is installed
    from ansible.module_utils.urls import open_url

    return bytes(open_url(address, timeout=30, http_agent="tgi-ansible").read())


def obtain_key(installed: bytes, expected: str, origin: str, fetch: Fetch) -> bytes:
    """Return the installed key if it is the expected one, else the checked key from its origin.

    ``fetch`` is called with URLs only, not with paths. Raises KeyRefusedError.
    """
    try:
        return check_key(installed, expected, "the installed file")
    except KeyRefusedError:
        pass
    path = local_path(origin)
    try:
        found = Path(path).read_bytes() if path else fetch(origin)
    except (OSError, HTTPException, ValueError) as error:
        raise KeyRefusedError(f"cannot get the key from {origin}: {error}") from error
    return check_key(found, expected, origin)


def check_key(key: bytes, expected: str, origin: str) -> bytes:
    """Return the key to install: armored, with only the checked packets.

    ``expected`` is one fingerprint, or several separated by commas: a publisher that changes its
    key has both in one file. Raises KeyRefusedError if a primary key has none of them.
    """
    wanted = [normalise(one) for one in expected.split(",")]
    try:
        found = keys(key)
    except KeyFormatError as error:
        raise KeyRefusedError(
            f"{origin} is not an OpenPGP public key ({error}); "
            "check that it is the repository's key file, not an error page"
        ) from error
    others = [fingerprint for fingerprint, _packets in found if fingerprint not in wanted]
    if others:
        raise KeyRefusedError(
            f"the key from {origin} has fingerprint {', '.join(others)}, "
            f"expected {', '.join(wanted)}; nothing was changed. "
            "If the publisher has announced a new key, "
            "check it on their site and set the new fingerprint"
        )
    return armor(b"".join(packets for _fingerprint, packets in found))


def without_key(keyring: bytes, unwanted: str) -> bytes:
    """Return a keyring without the keys of these fingerprints; b"" if no key remains.

    Data that is not a keyring is returned as is.
    """
    names = {normalise(one) for one in unwanted.split(",")}
    try:
        found = keys(keyring)
    except KeyFormatError:
        return keyring
    kept = [packets for name, packets in found if name not in names]
    if len(kept) == len(found):
        return keyring
    binary = b"".join(kept)
    return armor(binary) if binary and dearmor(keyring) != keyring else binary
