"""Find out what installing an engine would do to the existing one.

Source: docs.docker.com/engine/daemon/live-restore (containers outlive patch releases of the
daemon only), docs.docker.com/engine/install (which packages conflict), and the Conflicts and
files of Docker's, Debian's and Ubuntu's packages.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from pathlib import Path

from ..common.commands import Run
from ..common.files import read
from ..packages.holds import matches

PATTERNS = ["docker*", "containerd*", "runc*", "podman-docker*", "lxc-docker*", "moby-*"]
# Packages that conflict with Docker's own, or have the same files
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
# Packages that restart the daemon, and packages that running containers need
ENGINES = ("docker-ce", "docker.io")
SERVING = (*ENGINES, "containerd.io", "containerd")
_APPARMOR = "sys/module/apparmor/parameters/enabled"
# The kernel of a container is that of its host, whose profiles are not ours
_CONTAINER = (".dockerenv", "run/systemd/container")
# Engines that no package manager can remove
_FOREIGN = {
    "/snap/bin/docker": (
        "docker is installed by snap: it cannot give GPUs to containers and uses the same socket; "
        "move the content of its volumes and remove it: snap remove docker"
    ),
    "/usr/local/bin/dockerd": (
        "/usr/local/bin/dockerd belongs to no package and would start instead of the packaged one; "
        "stop it, and remove it and its unit"
    ),
}


def foreign(root: Path = Path("/")) -> list[str]:
    """Return a message, with the remedy, for each engine that is not a package."""
    return [what for path, what in _FOREIGN.items() if (root / path.lstrip("/")).exists()]


def has_apparmor(root: Path = Path("/")) -> bool:
    """Return whether the machine's own kernel has AppArmor."""
    inside = any((root / name).exists() for name in _CONTAINER)
    return not inside and read(root / _APPARMOR).strip() == "Y"


def confining(manager: str, root: Path = Path("/")) -> list[str]:
    """Return the package without which Docker confines no container, if the kernel has AppArmor."""
    return ["apparmor"] if manager == "apt" and has_apparmor(root) else []


def conflicts(installed: Mapping[str, str], source: str) -> list[str]:
    """Return installed packages that conflict with ``source`` (docker_ce or distro)."""
    others = _STRANGERS if source == "docker_ce" else _DOCKERS
    return [name for name in others if name in installed]


def dependents(run: Run, going: Collection[str]) -> list[str]:
    """Return the packages that apt would remove with ``going``."""
    simulation = run([*_REMOVE, *going])[1]
    return [name for name in re.findall(r"(?m)^Remv ([^ :]+)", simulation) if name not in going]


def to_install(
    installed: Mapping[str, str], wanted: Mapping[str, str], manager: str, tools: list[str]
) -> list[str]:
    """Return the packages to install, with their version: only those not as wanted."""
    sign = "-" if manager == "dnf" else "="
    missing = [name for name in tools if name not in installed]
    return missing + [
        f"{name}{sign}{version}" if version else name
        for name, version in wanted.items()
        if name not in installed or not matches(installed[name], version)
    ]


def major(version: str) -> str:
    """Return the upstream major of a version or pattern; "" if it is open, as in 5:*."""
    found = re.match(r"(?:\d+:)?(\d+)(?=[.+~-]|$)", version)
    return found.group(1) if found else ""


def engine_moves(installed: Mapping[str, str], wanted: Mapping[str, str]) -> bool:
    """Check whether installing replaces the engine and so restarts its daemon."""
    return any(
        name in installed and not matches(installed[name], wanted.get(name, "")) for name in ENGINES
    )


def leaps(installed: Mapping[str, str], wanted: Mapping[str, str]) -> list[str]:
    """Return messages for packages whose major would change; containers need them."""
    return [
        f"{name} is {installed[name]} and {wanted[name]} is wanted"
        for name in SERVING
        if name in installed
        and major(wanted.get(name, ""))
        and major(installed[name]) != major(wanted[name])
    ]
