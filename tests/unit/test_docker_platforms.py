"""What the docker role installs, and from where, on each supported system."""

from __future__ import annotations

import pytest
from platforms import APT, PLATFORMS, value

CE = {
    "docker-ce": "5:29.*",
    "docker-ce-cli": "5:29.*",
    "containerd.io": "2.*",
    "docker-compose-plugin": "2.*",
}


def test_every_supported_system_was_recorded() -> None:
    names = "alma-9 debian-12 debian-13 rhel-9 rocky-9 ubuntu-22.04 ubuntu-24.04"
    assert " ".join(PLATFORMS) == names


@pytest.mark.parametrize("platform", PLATFORMS)
def test_dockers_own_packages(platform: str) -> None:
    epoch = "5:" if platform in APT else "3:"
    wanted = {name: version.replace("5:", epoch) for name, version in CE.items()}
    assert value("docker", platform, "__docker_versions") == wanted
    assert value("docker", platform, "__docker_versions", docker_version=f"{epoch}29.*") == wanted
