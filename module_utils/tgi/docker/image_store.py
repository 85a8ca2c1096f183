"""Find where Docker keeps its images, whether one is there, and its pools of networks."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ..common.commands import Ask
from ..common.files import read
from ..common.places import bundle_image
from .daemon_json import BOUND_TO_CONTAINERS, DaemonConfigError, parse

_INFO = ["docker", "info", "--format", "{{.DockerRootDir}} {{json .DriverStatus}}"]
_CONTAINERD_ROOT = re.compile(r"(?m)^root\s*=\s*[\"']([^\"']+)[\"']")
_FEATURE = "containerd-snapshotter"
#: From this release on, a new engine leaves its images to containerd
_BY_CONTAINERD_SINCE = 29


def has_image(image: str, ask: Ask) -> bool:
    """Return whether the engine has the image, also under the name that a bundle gives it."""
    inspect = ["docker", "image", "inspect", "--format", "{{.Id}}"]
    return any(ask([*inspect, name]).rc == 0 for name in (image, bundle_image(image)))


def leaves_images_to_containerd(version: str, features: Any) -> bool:
    """Return whether a new engine would do so; ``version`` is one such as 29.* or 5:28.1.1-1."""
    release = re.match(r"(?:\d+:)?(\d+)\b", version)
    new = release is not None and int(release.group(1)) >= _BY_CONTAINERD_SINCE
    return _wished(features, new)


def _wished(features: Any, otherwise: bool) -> bool:
    wish = features.get(_FEATURE) if isinstance(features, Mapping) else None
    return wish if isinstance(wish, bool) else otherwise


def image_directory(root: Path, data_root: str, by_containerd: bool, ask: Ask) -> str:
    """Return the directory of images, also of an engine that is not installed yet.

    ``data_root`` is docker_data_root. ``by_containerd``: see :func:`leaves_images_to_containerd`;
    an engine that answers knows better. ``root`` is where the host's files are found.
    """
    code, text = ask(_INFO)
    if code == 0 and text.startswith("/"):
        now, _, status = text.partition(" ")
        by_containerd = "io.containerd.snapshotter" in status
        data_root = data_root or now
    config = _settings(root)
    if code != 0:
        by_containerd = _wished(config.get("features"), by_containerd)
    if by_containerd:
        found = _CONTAINERD_ROOT.search(read(root / "etc/containerd/config.toml"))
        return found.group(1) if found else "/var/lib/containerd"
    return data_root or str(config.get("data-root") or BOUND_TO_CONTAINERS["data-root"])


def address_pools(root: Path) -> tuple[str, ...]:
    """Return the IPv4 networks in daemon.json from which Docker takes those of containers."""
    pools = _settings(root).get("default-address-pools")
    bases = [one.get("base") for one in pools or [] if isinstance(one, Mapping)]
    return tuple(one for one in bases if isinstance(one, str) and ":" not in one)


def _settings(root: Path) -> dict[str, Any]:
    try:
        return parse(read(root / "etc/docker/daemon.json"), "daemon.json")
    except DaemonConfigError:
        return {}  # The role docker refuses it
