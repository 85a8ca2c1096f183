"""Text of apt's source and preference files, and the judgement of a repository's key."""

from __future__ import annotations

import re
from collections.abc import Sequence

from .openpgp import KeyFormatError, armor, dearmor, fingerprints, normalise

ARCHITECTURES = ("amd64", "arm64", "armhf", "i386", "ppc64el", "riscv64", "s390x")
_ADDRESS = re.compile(r"^[a-z+]+:(//)?")
_LINE = re.compile(r"deb(?:-src)?\s+(?:\[[^]]*\]\s+)?(\S+)\s+(\S+)([^#]*)")


class KeyRefusedError(ValueError):
    """The repository's key is not the one that was asked for; the message says what to do."""


def sources_text(uris: str, suites: str, components: str, signed_by: str) -> str:
    """A deb822 stanza; a flat repository (suites "/") has no components."""
    lines = ["# Ansible managed", "Types: deb", f"URIs: {uris}", f"Suites: {suites}"]
    if components:
        lines.append(f"Components: {components}")
    return "\n".join([*lines, f"Signed-By: {signed_by}", ""])


def preferences_text(pins: Sequence[tuple[str, str]]) -> str:
    """Pins as (packages, what they are pinned to: "version 1.2.*" or "origin host").

    Priority 1001 also downgrades, so that the file is the whole truth.
    """
    stanzas = [f"Package: {packages}\nPin: {pin}\nPin-Priority: 1001\n" for packages, pin in pins]
    return "\n".join(["# Ansible managed\n", *stanzas]) if stanzas else ""


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


def _address(uri: str) -> str:
    """What tells a repository: scheme and architecture do not."""
    return _ADDRESS.sub("", uri.split("$(ARCH)")[0]).rstrip("/")


def names_repository(uri: str, repository: str) -> bool:
    """Whether a URI of a source is that repository; $(ARCH) stands for any architecture."""
    pattern = "|".join(
        re.escape(_ADDRESS.sub("", repository.replace("$(ARCH)", arch)).rstrip("/"))
        for arch in ("$(ARCH)", *ARCHITECTURES)
    )
    return re.fullmatch(pattern, _ADDRESS.sub("", uri).rstrip("/")) is not None


def without_repository(
    text: str, repository: str, deb822: bool, suite: str, components: str
) -> str:
    """A source file without the lines or stanzas of that suite; "" when it holds nothing else.

    One that names anything else too (another address, suite or component) stays as it is.
    """
    own = (repository, suite, set(components.split()))
    separator = r"(?<=\n)[ \t]*\n" if deb822 else r"(?<=\n)"
    parts = [part for part in re.split(separator, text) if part.strip()]
    kept = [part for part in parts if not _redundant(part, deb822, own)]
    if len(kept) == len(parts):
        return text
    if all(line.lstrip().startswith("#") for part in kept for line in part.splitlines()):
        return ""
    return ("\n" if deb822 else "").join(kept)


def _redundant(part: str, deb822: bool, own: tuple[str, str, set[str]]) -> bool:
    """Whether a line or stanza brings nothing but what the own source does."""
    active = [line.strip() for line in part.splitlines() if not line.lstrip().startswith("#")]
    if deb822:
        text = "\n".join(line for line in part.splitlines() if not line.lstrip().startswith("#"))
        uris, suites, components = (_field(text, name) for name in ("URIs", "Suites", "Components"))
    else:
        found = _LINE.match(" ".join(active))
        if found is None:
            return False
        uris, suites, components = [found[1]], [found[2]], found[3].split()
    repository, suite, own_components = own
    return (
        bool(uris)
        and all(names_repository(uri, repository) for uri in uris)
        and set(suites) == {suite}
        and set(components) <= own_components
    )


def _field(stanza: str, name: str) -> list[str]:
    found = re.search(rf"(?im)^{name}:((?:.*\n?)(?:[ \t].*\n?)*)", stanza)
    return found[1].split() if found else []


def lists_prefix(uris: str, suites: str) -> str:
    """How the names of the lists begin that apt has fetched from the repository."""
    place = f"{_address(uris)}/" + ("" if suites == "/" else f"dists/{suites}/")
    quoted = re.sub(r'[\\|{}\[\]<>"^~_=!@#$%&*]', lambda found: f"%{ord(found[0]):02x}", place)
    return quoted.replace("/", "_")
