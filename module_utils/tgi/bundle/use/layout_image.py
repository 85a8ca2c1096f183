"""Bring an image from an OCI layout into Docker, with its digest.

Where Docker leaves images to containerd, a tag gives the image its own name, and name@digest is
found by it. Docker's older store knows a digest only under the name that was pulled, which is then
one on loopback.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from ...common.commands import CommandOutput
from ...common.places import BUNDLE_REGISTRY, bundle_image, without_tag
from ...common.problem import problem
from ..bundle_form import BundleError
from ..oci_layout import files_of_image
from .layout_server import serving

RunDocker = Callable[[list[str]], CommandOutput]
_STATUS = ["docker", "info", "--format", "{{json .DriverStatus}}"]
_CONTAINERD = "io.containerd.snapshotter"
#: The tag of an image that came from a bundle; the digest decides, so it is only a handle
_TAG = "from-bundle"


def name_in_docker(image: str, run: RunDocker) -> str:
    """Return the name under which this host's Docker has, or will have, a pinned image."""
    if has(image, run):
        return image
    return image if _by_containerd(run) else bundle_image(image)


def has(image: str, run: RunDocker) -> bool:
    """Return whether Docker has an image."""
    return run(["docker", "image", "inspect", "--format", "{{.Id}}", image]).rc == 0


def place(image: str, layout: Path, run: RunDocker) -> bool:
    """Make Docker have an image, ``name_in_docker`` of one; return whether it had not.

    Raise BundleError with Docker's reason.
    """
    if has(image, run):
        return False
    digest = image.partition("@")[2]
    lost = [one for one in files_of_image(layout, digest) if not (layout / one).is_file()]
    if lost:
        remedy = "run site.yml, which brings it from the bundle"
        raise BundleError(problem(str(layout / lost[0]), "is missing", remedy))
    pulled = bundle_image(image)
    with serving(layout, BUNDLE_REGISTRY):
        _do(["docker", "pull", pulled], run)
    if not has(image, run):
        tag = f"{without_tag(image)}:{_TAG}-{digest[7:19]}"
        _do(["docker", "tag", pulled, tag], run)
        _do(["docker", "rmi", pulled], run)
    if not has(image, run):
        remedy = "look for it with docker images --digests, and report this with docker version"
        raise BundleError(problem(image, "is in Docker, but not under this name", remedy))
    return True


def _by_containerd(run: RunDocker) -> bool:
    return _CONTAINERD in run(_STATUS).out


def _do(command: list[str], run: RunDocker) -> None:
    done = run(command)
    if done.rc != 0:
        said = " ".join((done.err or done.out).split()) or f"exit code {done.rc}"
        remedy = "repair Docker there (journalctl -u docker), then run this again"
        raise BundleError(problem(" ".join(command), f"fails: {said}", remedy))
