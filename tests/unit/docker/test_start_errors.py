"""Test that Docker's own words lead to the remedy that fits."""

from __future__ import annotations

import pytest
from ansible.module_utils.tgi.docker.start_errors import docker_remedy, start_error

OCI = (
    "Error response from daemon: failed to create task for container: failed to create shim task: "
    "OCI runtime create failed: runc create failed: unable to start container process: "
)
#: Docker's words; the kind, and a word of the remedy
SAID = {
    f'{OCI}exec: "text-generation-launcher": executable file not found in $PATH: unknown': (
        "image_broken", "write an image of TGI"),
    f'{OCI}exec: "/tgi-entrypoint.sh": stat /tgi-entrypoint.sh: no such file or directory': (
        "image_broken", "write an image of TGI"),
    "exec /tgi-entrypoint.sh: no such file or directory": ("image_broken", "its interpreter"),
    f'{OCI}exec: "/tgi-entrypoint.sh": permission denied: unknown': ("image_broken", "chmod 755"),
    "text-generation-router: error while loading shared libraries: libssl.so.3: cannot open "
    "shared object file": ("image_broken", "unchanged"),
    "exec /tgi-entrypoint.sh: exec format error": ("image_platform", "uname -m"),
    f'{OCI}exec: "/tgi-entrypoint.sh": exec format error': ("image_platform", "uname -m"),
    "no matching manifest for linux/arm64/v8 in the manifest list entries": (
        "image_platform", "uname -m"),
    "image with reference x was found but its platform (linux/arm64) does not match the specified "
    "platform: wanted linux/amd64": ("image_platform", "imagetools inspect"),
    "failed to inject CDI devices: unresolvable CDI devices nvidia.com/gpu=7": (
        "no_gpu", "nvidia_container_toolkit"),
    'could not select device driver "cdi" with capabilities: [[gpu]]': (
        "no_gpu", "nvidia_container_toolkit"),
    f"{OCI}error during container init: error running createContainer hook #0: "
    "nvidia-cdi-hook update-ldcache: open /etc/ld.so.conf.d: read-only file system": (
        "no_gpu", "tgi_read_only_root: without_gpu"),
    "nvidia-container-cli: initialization error: nvml error: driver/library version mismatch": (
        "no_gpu", "reboot"),
    "write /var/lib/docker/tmp/GetImageBlob1: no space left on device": (
        "disk_full", "docker system df"),
    "Bind for 127.0.0.1:8081 failed: port is already allocated": ("port_taken", "ss -ltnp"),
    "listen tcp4 10.0.0.5:8081: bind: cannot assign requested address": (
        "port_taken", "tgi_bind_address"),
    'Conflict. The container name "/tgi-a-tgi-1" is already in use by container "0f"': (
        "docker", "docker ps --all"),
    "Cannot connect to the Docker daemon at unix:///var/run/docker.sock": (
        "docker", "systemctl status docker"),
    "toomanyrequests: You have reached your pull rate limit": ("docker", "docker login"),
    "pull access denied for x, repository does not exist": ("docker", "docker login"),
    "Head https://r/v2/tgi/manifests/1: no basic auth credentials": ("docker", "root's login"),
    "manifest unknown": ("docker", "compare tgi_image"),
    "Get https://ghcr.io/v2/: x509: certificate signed by unknown authority": (
        "docker", "docker_registry_cas"),
    "Get https://ghcr.io/v2/: dial tcp: lookup ghcr.io: no such host": ("docker", "DNS"),
    "could not find an available, non-overlapping IPv4 address pool among the defaults: all "
    "predefined address pools have been fully subnetted": ("docker", "network prune"),
    f"{OCI}unable to apply cgroup configuration: mkdir /sys/fs/cgroup: read-only": (
        "docker", "cgroup namespace"),
}  # fmt: skip


@pytest.mark.parametrize("said", SAID)
def test_dockers_words_have_a_remedy(said: str) -> None:
    found = start_error(said)
    assert found is not None
    kind, word = SAID[said]
    assert (found.id, word in found.remedy) == (kind, True), found


def test_several_containers_have_each_remedy_once() -> None:
    full, port = "no space left on device", "port is already allocated"
    said = docker_remedy([full, port, full])
    assert said.count("docker system df") == 1 and "ss -ltnp" in said and "journalctl" not in said


def test_unknown_words_are_not_guessed_at() -> None:
    assert start_error("something new") is None
    assert docker_remedy("something new").startswith("read Docker's words above; journalctl")
    assert "journalctl" in docker_remedy([])
