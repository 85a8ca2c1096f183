"""Gather what apt is to bring for each system from what the roles say they install."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from ..common.problem import problem
from .apt_systems import AptSource, distribution_sources
from .bundle_form import BundleError

#: Without it, Ansible's module apt asks a repository for it
_ALWAYS = ("python3", "python3-apt", "ca-certificates")


class AptGroup(NamedTuple):
    """Packages that a role installs together, as "name" or "name=version", and its pins."""

    packages: tuple[str, ...]
    #: (packages, "version 1.2.*" or "origin host")
    pins: tuple[tuple[str, str], ...] = ()


class AptWish(NamedTuple):
    """What a bundle has for a system."""

    system: str
    sources: tuple[AptSource, ...]
    groups: tuple[AptGroup, ...]

    @property
    def packages(self) -> tuple[str, ...]:
        """Return all that was asked for."""
        return tuple(sorted({one for group in self.groups for one in group.packages}))


def apt_wish(
    system: str,
    wanted: Iterable[Mapping[str, Any]],
    uris: Mapping[str, Any],
    keyring: str = "",
    more: Sequence[str] = (),
) -> AptWish:
    """Return what a system needs.

    ``wanted`` has an entry for each host and role: host, packages (list), and optionally source (a
    mapping as AptSource), pins (list of {packages, version or origin}), refused (why the role does
    not work there) and left_out (why the bundle does without it there). ``more`` are packages
    besides. Raise BundleError when a role refuses the system, or two hosts have one repository at
    two addresses.
    """
    sources = {one.name: one for one in distribution_sources(system, uris, keyring)}
    # Without pins, all can come together: each group costs apt seconds
    plain = {*_ALWAYS, *more}
    pinned: dict[AptGroup, None] = {}
    for entry in wanted:
        if entry.get("left_out"):
            continue
        if entry.get("refused"):
            remedy = f"take {system} out of bundle_systems, or change that"
            raise BundleError(
                problem(str(entry["host"]), f"on {system}: {entry['refused']}", remedy)
            )
        if given := entry.get("source"):
            source = _source(given)
            other = sources.setdefault(source.name, source)
            if other != source:
                what = f"is at {source.uri} for {entry['host']} and at {other.uri} for another host"
                where = f"the apt repository {source.name}"
                raise BundleError(
                    problem(where, what, "make a bundle for each, or write one address")
                )
        packages = tuple(map(str, entry["packages"]))
        if pins := tuple(_pin(one) for one in entry.get("pins") or ()):
            pinned[AptGroup(packages, pins)] = None
        else:
            plain.update(packages)
    return AptWish(system, tuple(sources.values()), (AptGroup(tuple(sorted(plain))), *pinned))


def _source(given: Mapping[str, Any]) -> AptSource:
    components = given.get("components") or ()
    if isinstance(components, str):
        components = components.split()
    return AptSource(
        str(given["name"]),
        str(given["uri"]).rstrip("/"),
        str(given.get("suite") or "/"),
        tuple(map(str, components)),
        str(given["key"]),
        str(given["fingerprint"]),
    )


def _pin(given: Mapping[str, Any]) -> tuple[str, str]:
    kind = "version" if given.get("version") else "origin"
    return str(given["packages"]), f"{kind} {given[kind]}"
