"""A package repository's key: fetched, judged by its fingerprint, and taken out of old keyrings."""

from __future__ import annotations

from collections.abc import Callable
from http.client import HTTPException
from pathlib import Path

from .openpgp import KeyFormatError, armor, dearmor, fingerprints, keys, normalise

Fetch = Callable[[str], bytes]


class KeyRefusedError(ValueError):
    """The repository's key is not the one that was asked for; the message says what to do."""


def local_path(origin: str) -> str:
    """The path on the host that ``origin`` names (/x, file:/x or file:///x); "" for an address."""
    if origin.startswith("file:"):
        path = origin[len("file:") :]
        return "/" + path.lstrip("/") if path.startswith("/") else path
    return "" if "://" in origin else origin


def fetch(address: str) -> bytes:
    """What an address holds. Raises OSError, HTTPException or ValueError."""
    # Dear to import, and asked for only while the key is not there
    from ansible.module_utils.urls import open_url

    return bytes(open_url(address, timeout=30, http_agent="tgi-ansible").read())


def obtain_key(installed: bytes, expected: str, origin: str, fetch: Fetch) -> bytes:
    """The installed key while it is the expected one, else the one from its origin, judged.

    ``fetch`` gets what an address holds; it is not asked for a path on the host.
    Raises KeyRefusedError.
    """
    try:
        return judge_key(installed, expected, "the installed file")
    except KeyRefusedError:
        pass
    path = local_path(origin)
    try:
        found = Path(path).read_bytes() if path else fetch(origin)
    except (OSError, HTTPException, ValueError) as error:
        raise KeyRefusedError(f"cannot get the key from {origin}: {error}") from error
    return judge_key(found, expected, origin)


def judge_key(key: bytes, expected: str, origin: str) -> bytes:
    """Give the key as it is to be installed: armored, and nothing in it but what was judged.

    ``expected`` is one fingerprint, or several with commas between them, as a publisher that
    changes its keys has several in one file. Raises KeyRefusedError when a primary key in it has
    none of them.
    """
    wanted = [normalise(one) for one in expected.split(",")]
    try:
        found = fingerprints(key)
    except KeyFormatError as error:
        raise KeyRefusedError(
            f"{origin} is no OpenPGP public key ({error}); "
            "is it the repository's key file and not an error page?"
        ) from error
    strangers = [fingerprint for fingerprint in found if fingerprint not in wanted]
    if strangers:
        raise KeyRefusedError(
            f"the key from {origin} has fingerprint {', '.join(strangers)}, "
            f"expected {', '.join(wanted)}; nothing was changed. "
            "If the publisher has announced a new key, "
            "check it on their site and set the new fingerprint"
        )
    return armor(dearmor(key))


def without_key(keyring: bytes, unwanted: str) -> bytes:
    """A keyring without the keys of these fingerprints; as it is where it holds none of them.

    Nothing is left of one that holds no other key. What is no keyring stays as it is.
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
