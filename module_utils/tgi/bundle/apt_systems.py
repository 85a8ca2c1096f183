"""Know the systems that a bundle can be for, and where their distributions have the packages."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

from ..common.commands import Ask, ask
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
#: Names of mirrors in bundle_apt_uris
MIRRORS = ("debian", "debian-security", "ubuntu")
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


def own_mirrors(ask: Ask = ask) -> dict[str, str]:
    """Return where apt of this machine has its distribution from, by the names in MIRRORS."""
    command = ["apt-get", "indextargets", "--format", "$(ORIGIN)\t$(RELEASE)\t$(SITE)"]
    found: dict[str, str] = {}
    for line in ask([*command, "Created-By: Packages"]).text.splitlines():
        origin, _, rest = line.partition("\t")
        suite, _, site = rest.partition("\t")
        name = origin.lower()
        if name == "debian" and "security" in suite:
            name = "debian-security"
        if name in MIRRORS:
            found.setdefault(name, site.rstrip("/"))
    return found


def distribution_sources(name: str, uris: Mapping[str, Any], keyring: str = "") -> list[AptSource]:
    """Return the distribution's repositories for a system, each with its updates.

    ``uris`` has mirrors by the names in MIRRORS. Debian's have the security updates beside the
    rest, so that needs no name of its own.
    """
    system = system_named(name)
    family = system.distribution.lower()
    if unknown := sorted(set(uris) - set(MIRRORS)):
        remedy = f"write {', '.join(MIRRORS)}"
        what = f"has {', '.join(unknown)}, which no system uses"
        raise BundleError(problem("bundle_apt_uris", what, remedy))
    if family not in uris:
        what = f"has no mirror of {system.distribution}, and apt of this machine knows none"
        remedy = f"write its address as {family}, or on {system.distribution} run apt-get update"
        raise BundleError(problem("bundle_apt_uris", what, remedy))
    at = {"debian-security": f"{uris[family]}-security", **uris}
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
