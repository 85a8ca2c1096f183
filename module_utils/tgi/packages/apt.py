"""Write apt's source and preference files, and remove a repository from other files."""

from __future__ import annotations

import re
from collections.abc import Sequence

ARCHITECTURES = ("amd64", "arm64", "armhf", "i386", "ppc64el", "riscv64", "s390x")
# Scheme and credentials: two repositories never differ by them, and apt's lists omit them
_ADDRESS = re.compile(r"^[a-z+]+:(//([^/@]*@)?)?")
_LINE = re.compile(r"deb(?:-src)?\s+(?:\[[^]]*\]\s+)?(\S+)\s+(\S+)([^#]*)")


def sources_text(uris: str, suites: str, components: str, signed_by: str) -> str:
    """Return a deb822 stanza; a flat repository (suites "/") has no components."""
    lines = ["# Ansible managed", "Types: deb", f"URIs: {uris}", f"Suites: {suites}"]
    if components:
        lines.append(f"Components: {components}")
    return "\n".join([*lines, f"Signed-By: {signed_by}", ""])


def preferences_text(pins: Sequence[tuple[str, str]]) -> str:
    """Return a preferences file; each pin is (packages, "version 1.2.*" or "origin host").

    Priority 1001 also downgrades, so that no other file matters.
    """
    stanzas = [f"Package: {packages}\nPin: {pin}\nPin-Priority: 1001\n" for packages, pin in pins]
    return "\n".join(["# Ansible managed\n", *stanzas]) if stanzas else ""


def _address(uri: str) -> str:
    """Return the part of an address that identifies a repository: no scheme, no architecture."""
    return bare(uri.split("$(ARCH)")[0])


def names_repository(uri: str, repository: str) -> bool:
    """Check whether a source's URI is that repository; $(ARCH) stands for any architecture."""
    pattern = "|".join(
        re.escape(bare(repository.replace("$(ARCH)", arch))) for arch in ("$(ARCH)", *ARCHITECTURES)
    )
    return re.fullmatch(pattern, bare(uri)) is not None


def without_repository(
    text: str,
    repository: str,
    deb822: bool,
    suite: str,
    components: str,
    replaces: Sequence[str] = (),
) -> str:
    """Return a source file without that suite's lines or stanzas; "" if nothing else remains.

    A line or stanza that also names another address, suite or component stays, unless all its
    addresses begin with one of ``replaces``.
    """
    own = (repository, suite, set(components.split()))
    separator = r"(?<=\n)[ \t]*\n" if deb822 else r"(?<=\n)"
    parts = [part for part in re.split(separator, text) if part.strip()]
    kept = [part for part in parts if not _redundant(part, deb822, own, replaces)]
    if len(kept) == len(parts):
        return text
    if all(line.lstrip().startswith("#") for part in kept for line in part.splitlines()):
        return ""
    return ("\n" if deb822 else "").join(kept)


def is_no_list(text: str) -> bool:
    """Check whether apt refuses a whole .list file: an error page in place of a source."""
    lines = [line.strip() for line in text.splitlines()]
    active = [line for line in lines if line and not line.startswith("#")]
    return bool(active) and not any(_LINE.match(line) for line in active)


def _redundant(
    part: str, deb822: bool, own: tuple[str, str, set[str]], replaces: Sequence[str]
) -> bool:
    """Check whether our source covers or replaces all that a line or stanza names."""
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
    same = set(suites) == {suite} and set(components) <= own_components
    return bool(uris) and all(
        (same and names_repository(uri, repository)) or begins_like(uri, replaces) for uri in uris
    )


def bare(uri: str) -> str:
    """Return an address without scheme, credentials and final slash."""
    return _ADDRESS.sub("", uri).rstrip("/")


def begins_like(uri: str, prefixes: Sequence[str]) -> bool:
    """Check whether an address is one of these, or below one of them."""
    return any(f"{bare(uri)}/".startswith(f"{bare(one)}/") for one in prefixes)


def _field(stanza: str, name: str) -> list[str]:
    found = re.search(rf"(?im)^{name}:((?:.*\n?)(?:[ \t].*\n?)*)", stanza)
    return found[1].split() if found else []


def lists_prefix(uris: str, suites: str) -> str:
    """Return the prefix of the file names of apt's lists from the repository."""
    place = f"{_address(uris)}/" + ("" if suites == "/" else f"dists/{suites}/")
    quoted = re.sub(r'[\\|{}\[\]<>"^~_=!@#$%&*]', lambda found: f"%{ord(found[0]):02x}", place)
    return quoted.replace("/", "_")
