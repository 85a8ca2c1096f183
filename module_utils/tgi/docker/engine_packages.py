"""What installing an engine would do to the one that is there.

Source: docs.docker.com/engine/daemon/live-restore (containers outlive patch releases of the
daemon only), docs.docker.com/engine/install (which packages conflict), and the Conflicts and
files of Docker's, Debian's and Ubuntu's packages.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from pathlib import Path

from ..common.commands import Run
from ..packages.holds import matches

PATTERNS = ["docker*", "containerd*", "runc*", "podman-docker*", "lxc-docker*", "moby-*"]
# What cannot stay beside Docker's own packages: it conflicts, or has the same files
_STRANGERS = (
    "docker.io",
    "docker-cli",
    "docker-buildx",
    "docker-compose",
    "docker-compose-v2",
    "docker-doc",
    "containerd",
    "runc",
    "podman-docker",
    "docker",
    "docker-client",
    "docker-client-latest",
    "docker-common",
    "docker-latest",
    "docker-latest-logrotate",
    "docker-logrotate",
    "docker-engine",
    "docker-engine-selinux",
    "docker-selinux",
    "lxc-docker",
    "moby-engine",
    "moby-cli",
    "moby-containerd",
    "moby-runc",
    "moby-compose",
)
_DOCKERS = (
    "docker-ce",
    "docker-ce-cli",
    "docker-ce-rootless-extras",
    "containerd.io",
    "docker-buildx-plugin",
    "docker-compose-plugin",
    "docker-model-plugin",
    "docker-scan-plugin",
    "podman-docker",
    "docker-engine",
    "lxc-docker",
)
_REMOVE = ["apt-get", "--simulate", "-o", "APT::Get::AutomaticRemove=false", "remove"]
# Whose packages restart the daemon, and whose serve the containers
ENGINES = ("docker-ce", "docker.io")
SERVING = (*ENGINES, "containerd.io", "containerd")
# Engines that no package manager of the host can take away
_FOREIGN = {
    "/snap/bin/docker": (
        "snap has a docker of its own, which cannot give GPUs to containers and would use the same "
        "socket; move what its volumes hold and remove it: snap remove docker"
    ),
    "/usr/local/bin/dockerd": (
        "/usr/local/bin/dockerd belongs to no package and would be started in place of the one "
        "installed here; stop it and remove it and its unit"
    ),
}


def foreign(root: Path = Path("/")) -> list[str]:
    """Say of each engine that did not come as a package how to be rid of it."""
    return [what for path, what in _FOREIGN.items() if (root / path.lstrip("/")).exists()]


def conflicts(installed: Mapping[str, str], source: str) -> list[str]:
    """Installed packages that have to go for ``source`` (docker_ce or distro)."""
    others = _STRANGERS if source == "docker_ce" else _DOCKERS
    return [name for name in others if name in installed]


def dependents(run: Run, going: Collection[str]) -> list[str]:
    """Packages that apt would take away with those that have to go."""
    simulation = run([*_REMOVE, *going])[1]
    return [name for name in re.findall(r"(?m)^Remv ([^ :]+)", simulation) if name not in going]


def to_install(
    installed: Mapping[str, str], wanted: Mapping[str, str], manager: str, tools: list[str]
) -> list[str]:
    """What the package manager is to be asked for: only what is not as it is wanted."""
    sign = "-" if manager == "dnf" else "="
    missing = [name for name in tools if name not in installed]
    return missing + [
        f"{name}{sign}{version}" if version else name
        for name, version in wanted.items()
        if name not in installed or not matches(installed[name], version)
    ]


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
