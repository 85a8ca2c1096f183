"""Text of apt's source and preference files, and the judgement of a repository's key."""

from __future__ import annotations

from typing import Sequence

from .openpgp import KeyFormatError, fingerprints, normalise


class KeyRefusedError(ValueError):
    """The repository's key is not the one that was asked for; the message says what to do."""


def sources_text(uris: str, suites: str, components: str, signed_by: str) -> str:
    """A deb822 stanza; a flat repository (suites "/") has no components."""
    lines = ["# Ansible managed", "Types: deb", f"URIs: {uris}", f"Suites: {suites}"]
    if components:
        lines.append(f"Components: {components}")
    return "\n".join([*lines, f"Signed-By: {signed_by}", ""])


def preferences_text(pins: Sequence[tuple[str, str]]) -> str:
    """Pins as (packages, version): priority 1001 also downgrades, so the file is the whole truth."""
    stanzas = [
        f"Package: {packages}\nPin: version {version}\nPin-Priority: 1001\n"
        for packages, version in pins
    ]
    return "\n".join(["# Ansible managed\n", *stanzas]) if stanzas else ""


def judge_key(key: bytes, expected: str, origin: str) -> None:
    """Raise KeyRefusedError unless every primary key in the file has the expected fingerprint."""
    wanted = normalise(expected)
    try:
        found = fingerprints(key)
    except KeyFormatError as error:
        raise KeyRefusedError(
            f"{origin} is no OpenPGP public key ({error}); "
            "is it the repository's key file and not an error page?"
        ) from error
    strangers = [fingerprint for fingerprint in found if fingerprint != wanted]
    if strangers:
        raise KeyRefusedError(
            f"the key from {origin} has fingerprint {', '.join(strangers)}, expected {wanted}; "
            "nothing was changed. If the publisher has announced a new key, "
            "check it on their site and set the new fingerprint"
        )
