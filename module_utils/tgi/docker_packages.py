"""What installing an engine would do to the one that is there.

Source: docs.docker.com/engine/daemon/live-restore (containers outlive patch releases of the
daemon only), and the Conflicts of Docker's and Debian's packages.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

# Packages of the one that go when the other is installed
DISTRO = ("docker.io", "docker-compose", "docker-compose-v2", "containerd", "runc", "podman-docker")
DOCKER_CE = ("docker-ce", "docker-ce-cli", "containerd.io", "docker-compose-plugin")
# Whose packages restart the daemon, and whose serve the containers
ENGINES = ("docker-ce", "docker.io")
SERVING = (*ENGINES, "containerd.io", "containerd")


def parse_installed(text: str) -> dict[str, str]:
    """Versions by package, from lines of dpkg-query: "ii |docker-ce|5:29.1.0-1~debian.13"."""
    rows = [line.split("|") for line in text.splitlines() if line.count("|") == 2]
    return {name: version for status, name, version in rows if status[1:2] == "i"}


def conflicts(installed: Mapping[str, str], source: str) -> list[str]:
    """Installed packages that `source` (docker_ce or distro) would remove."""
    others = DISTRO if source == "docker_ce" else DOCKER_CE
    return [name for name in others if name in installed]


def matches(installed: str, wanted: str) -> bool:
    """Whether a version is the one asked for, where * is a wildcard and nothing asks for any."""
    pattern = ".*".join(re.escape(part) for part in wanted.split("*"))
    return not wanted or re.fullmatch(pattern, installed) is not None


def major(version: str) -> str:
    """The upstream major of a version or pattern; "" where it is left open, as in 5:*."""
    found = re.match(r"(?:\d+:)?(\d+)(?=[.+~-]|$)", version)
    return found.group(1) if found else ""


def engine_moves(installed: Mapping[str, str], wanted: Mapping[str, str]) -> bool:
    """Whether installing will replace an installed engine, which restarts its daemon."""
    return any(
        name in installed and not matches(installed[name], wanted.get(name, "")) for name in ENGINES
    )


def leaps(installed: Mapping[str, str], wanted: Mapping[str, str]) -> list[str]:
    """What would change its major under running containers, as sentences' parts."""
    return [
        f"{name} is {installed[name]} and {wanted[name]} is wanted"
        for name in SERVING
        if name in installed
        and major(wanted.get(name, ""))
        and major(installed[name]) != major(wanted[name])
    ]
