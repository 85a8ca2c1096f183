"""Text of apt's source and preference files, and the judgement of a repository's key."""

from __future__ import annotations

import re
from collections.abc import Sequence

from .openpgp import KeyFormatError, armor, dearmor, fingerprints, normalise


class KeyRefusedError(ValueError):
    """The repository's key is not the one that was asked for; the message says what to do."""


def sources_text(uris: str, suites: str, components: str, signed_by: str) -> str:
    """A deb822 stanza; a flat repository (suites "/") has no components."""
    lines = ["# Ansible managed", "Types: deb", f"URIs: {uris}", f"Suites: {suites}"]
    if components:
        lines.append(f"Components: {components}")
    return "\n".join([*lines, f"Signed-By: {signed_by}", ""])


def preferences_text(pins: Sequence[tuple[str, str]]) -> str:
    """Pins as (packages, version).

    Priority 1001 also downgrades, so that the file is the whole truth.
    """
    stanzas = [
        f"Package: {packages}\nPin: version {version}\nPin-Priority: 1001\n"
        for packages, version in pins
    ]
    return "\n".join(["# Ansible managed\n", *stanzas]) if stanzas else ""


def judge_key(key: bytes, expected: str, origin: str) -> bytes:
    """Give the key as it is to be installed: armored, and nothing in it but what was judged.

    Raises KeyRefusedError unless every primary key in it has the expected fingerprint.
    """
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
    return armor(dearmor(key))


def _address(uri: str) -> str:
    """What tells a repository: scheme and architecture do not."""
    return re.sub(r"^[a-z+]+:(//)?", "", uri.split("$(ARCH)")[0]).rstrip("/")


def names_repository(uri: str, repository: str) -> bool:
    """Whether a URI of a source is that repository, or lies within it."""
    return f"{_address(uri)}/".startswith(f"{_address(repository)}/")


def without_repository(text: str, repository: str, deb822: bool) -> str:
    """A source file without that repository's lines or stanzas; "" when it holds nothing else."""
    separator = r"(?<=\n)[ \t]*\n" if deb822 else r"(?<=\n)"
    parts = [part for part in re.split(separator, text) if part.strip()]
    kept = [part for part in parts if not _names(part, repository, deb822)]
    if len(kept) == len(parts):
        return text
    if all(line.lstrip().startswith("#") for part in kept for line in part.splitlines()):
        return ""
    return ("\n" if deb822 else "").join(kept)


def _names(part: str, repository: str, deb822: bool) -> bool:
    active = [line for line in part.splitlines() if not line.lstrip().startswith("#")]
    if deb822:
        field = re.search(r"(?im)^URIs:((?:.*\n?)(?:[ \t].*\n?)*)", "\n".join(active))
        words = field.group(1).split() if field else []
    else:
        words = " ".join(active).split()
    return any(":/" in word and names_repository(word, repository) for word in words)


def lists_prefix(uris: str, suites: str) -> str:
    """How the names of the lists begin that apt has fetched from the repository."""
    place = f"{_address(uris)}/" + ("" if suites == "/" else f"dists/{suites}/")
    quoted = re.sub(r'[\\|{}\[\]<>"^~_=!@#$%&*]', lambda found: f"%{ord(found[0]):02x}", place)
    return quoted.replace("/", "_")
