"""Read Docker's own words when a container does not start or an image cannot be pulled."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import NamedTuple

_TGI = "ghcr.io/huggingface/text-generation-inference"


class StartError(NamedTuple):
    """The kind of error, as tgi_wait names causes; what it means, and the remedy."""

    id: str
    text: str
    remedy: str


#: The first pattern that matches counts
_ERRORS: tuple[tuple[str, StartError], ...] = (
    (
        r"nvidia-cdi-hook.*(?:read-only|no such file)|(?:read-only|no such file).*nvidia-cdi-hook",
        StartError(
            "no_gpu",
            "NVIDIA's hook cannot write into the container's root",
            "write tgi_read_only_root: without_gpu",
        ),
    ),
    (
        r"unresolvable CDI devices|CDI device injection failed|could not select device driver"
        r"|unknown or invalid runtime name: nvidia|custom device \"/dev/nvidia",
        StartError(
            "no_gpu",
            "Docker finds no GPU of that name",
            "run site.yml --tags docker,nvidia_container_toolkit for this host; there nvidia-ctk "
            "cdi list shows the GPUs that Docker can give",
        ),
    ),
    (
        r"nvidia-container-cli|libnvidia-ml\.so\S*: cannot open|libcuda\.so\S*: cannot open",
        StartError(
            "no_gpu",
            "NVIDIA's driver does not answer",
            "see nvidia-smi on the host; after an update of the driver, reboot",
        ),
    ),
    (
        r"exec format error|does not match the (?:specified|detected host) platform"
        r"|no matching manifest for|no match for platform in manifest",
        StartError(
            "image_platform",
            "the image is built for another kind of processor",
            "write the digest of an image for this machine (uname -m) as tgi_image; docker buildx "
            "imagetools inspect IMAGE lists its platforms",
        ),
    ),
    (
        r"executable file not found in \$PATH|exec:? \"?[^\"]*\"?: (?:stat [^:]*: )?no such file"
        r"|exec /\S+: no such file or directory",
        StartError(
            "image_broken",
            "the image does not have the program that it shall start",
            f"write an image of TGI as tgi_image ({_TGI}@sha256:…): another image, or one that was "
            "rebuilt, lacks the entry point or its interpreter",
        ),
    ),
    (
        r"exec:? \"?[^\"]*\"?: permission denied|exec /\S+: permission denied",
        StartError(
            "image_broken",
            "the image's entry point may not be run",
            "rebuild the image with an executable entry point (chmod 755), or write TGI's own "
            "image as tgi_image; if Docker's data-root is mounted noexec, mount it without",
        ),
    ),
    (
        r"error while loading shared libraries",
        StartError(
            "image_broken",
            "a library that the image's program needs is missing",
            f"write TGI's own image as tgi_image ({_TGI}@sha256:…), unchanged",
        ),
    ),
    (
        r"[Nn]o space left on device|disk quota exceeded",
        StartError(
            "disk_full",
            "Docker's disk is full",
            "free space under Docker's data-root (docker system df; docker image prune --all)",
        ),
    ),
    (
        r"port is already allocated|address already in use",
        StartError(
            "port_taken",
            "another program has the model's port",
            "ss -ltnp on the host shows it; stop it, or write another port in tgi_models",
        ),
    ),
    (
        r"cannot assign requested address",
        StartError(
            "port_taken",
            "the host does not have tgi_bind_address",
            "write an address of this host as tgi_bind_address (ip address shows them)",
        ),
    ),
    (
        r"is already in use by container",
        StartError(
            "docker",
            "another container has the name",
            "remove or rename the container that Docker names (docker ps --all)",
        ),
    ),
    (
        r"(?:Cannot|failed to) connect to the [Dd]ocker|[Dd]ocker daemon is not running"
        r"|docker\.sock: connect",
        StartError(
            "docker",
            "Docker's daemon does not answer",
            "see systemctl status docker and journalctl -u docker on the host",
        ),
    ),
    (
        r"toomanyrequests|unauthorized|authentication required|no basic auth|pull access denied"
        r"|denied:",
        StartError(
            "docker",
            "the registry refuses the pull",
            "run sudo docker login REGISTRY on the host, because root's login counts, not that of "
            "another user; check the name in tgi_image",
        ),
    ),
    (
        r"manifest unknown|manifest for \S+ not found|not found: manifest|[Nn]o such image"
        r"|failed to resolve reference .* not found",
        StartError(
            "docker",
            "the registry does not have this digest",
            "compare tgi_image with the registry; a mirror may not have it yet",
        ),
    ),
    (
        r"certificate signed by unknown authority|x509:",
        StartError(
            "docker",
            "Docker does not trust the registry's certificate",
            "give its CA in docker_registry_cas, then run site.yml --tags docker",
        ),
    ),
    (
        r"no such host|i/o timeout|context deadline exceeded|TLS handshake timeout"
        r"|connection refused|network is unreachable|Client\.Timeout",
        StartError(
            "docker",
            "the registry cannot be reached",
            "check DNS, the network, docker_https_proxy and docker_registry_mirrors",
        ),
    ),
    (
        r"all predefined address pools have been fully subnetted",
        StartError(
            "docker",
            "Docker has no network address left",
            "run docker network prune on the host, or write docker_address_pools",
        ),
    ),
    (
        r"cgroup",
        StartError(
            "docker",
            "the kernel refuses the container's cgroup",
            "reboot the host; on a container as host, give it its own cgroup namespace",
        ),
    ),
)


def start_error(said: str) -> StartError | None:
    """Return what Docker's words mean; None for words that are not known."""
    return next((found for pattern, found in _ERRORS if re.search(pattern, said)), None)


def docker_remedy(said: str | Iterable[str]) -> str:
    """Return the remedies for Docker's messages, each once."""
    messages = [said] if isinstance(said, str) else list(said)
    found = [start_error(one) for one in messages]
    remedies = [one.remedy for one in found if one]
    if None in found or not remedies:
        remedies.append("read Docker's words above; journalctl -u docker on the host has more")
    return "; ".join(dict.fromkeys(remedies))
