"""Know the systems that a bundle can be for, and where each distribution has its packages."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

from ..common.problem import closest, problem
from .bundle_form import BundleError

_KEYRING = "/usr/share/keyrings/{}-archive-keyring.gpg"


class AptSystem(NamedTuple):
    """A release of a distribution with apt."""

    distribution: str
    version: str
    codename: str

    @property
    def facts(self) -> dict[str, str]:
        """Return what Ansible would say of a host of that system."""
        return {
            "distribution": self.distribution,
            "distribution_release": self.codename,
            "distribution_version": self.version,
            "distribution_major_version": self.version.split(".")[0],
            "os_family": "Debian",
            "pkg_mgr": "apt",
            "architecture": "x86_64",
        }


SYSTEMS = {
    "debian-12": AptSystem("Debian", "12", "bookworm"),
    "debian-13": AptSystem("Debian", "13", "trixie"),
    "ubuntu-22.04": AptSystem("Ubuntu", "22.04", "jammy"),
    "ubuntu-24.04": AptSystem("Ubuntu", "24.04", "noble"),
}
#: Addresses by a short name, which bundle_apt_uris may change
URIS = {
    "debian": "http://deb.debian.org/debian",
    "debian-security": "http://deb.debian.org/debian-security",
    "ubuntu": "http://archive.ubuntu.com/ubuntu",
}
_COMPONENTS = {"debian": ("main",), "ubuntu": ("main", "universe")}


class AptSource(NamedTuple):
    """A repository; ``key`` is the URL or path of its key, "" where ``keyring`` has it."""

    name: str
    uri: str
    suite: str
    components: tuple[str, ...] = ()
    key: str = ""
    fingerprint: str = ""
    keyring: str = ""


def system_named(name: str) -> AptSystem:
    """Return a system; raise BundleError for one that no bundle is for."""
    if name in SYSTEMS:
        return SYSTEMS[name]
    what = f"has {name}, and a bundle is for {', '.join(SYSTEMS)}"
    remedy = f"write {closest(name, SYSTEMS) or 'one of these'}"
    if name.startswith(("rhel", "rocky", "alma", "centos")):
        what = f"has {name}, whose packages (dnf) no bundle has"
        remedy = "mirror the dnf repositories inside (docs/gpu-hosts.md), and leave it out here"
    raise BundleError(problem("bundle_systems", what, remedy))


def distribution_sources(
    name: str, uris: Mapping[str, Any] | None = None, keyring: str = ""
) -> list[AptSource]:
    """Return the distribution's repositories for a system, each with its updates."""
    system = system_named(name)
    family = system.distribution.lower()
    at = {**URIS, **(uris or {})}
    if unknown := sorted(set(at) - set(URIS)):
        remedy = f"write {', '.join(URIS)}"
        what = f"has {', '.join(unknown)}, which no system uses"
        raise BundleError(problem("bundle_apt_uris", what, remedy))
    security = "debian-security" if family == "debian" else "ubuntu"
    suites = [
        ("distribution", family, ""),
        ("distribution-updates", family, "-updates"),
        ("distribution-security", security, "-security"),
    ]
    return [
        AptSource(
            called,
            str(at[place]),
            f"{system.codename}{ending}",
            _COMPONENTS[family],
            keyring=keyring or _KEYRING.format(family),
        )
        for called, place, ending in suites
    ]
