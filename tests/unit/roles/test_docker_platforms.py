"""Test the docker role's packages, sources and settings on each system."""

from __future__ import annotations

from typing import Any

import pytest

from tests.support.platforms import APT, DNF, PLATFORMS, evaluate, value, variables

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
    assert value("docker", platform, "__docker_refused") == ""
    tools = [] if platform in APT else ["python3-dnf-plugin-versionlock"]
    assert value("docker", platform, "__docker_platform.tools") == tools


@pytest.mark.parametrize("platform", PLATFORMS)
def test_another_engine_asks_for_no_containerd(platform: str) -> None:
    found = value("docker", platform, "__docker_versions", docker_version="28.5.2*")
    assert (found["docker-ce"][2:], found["containerd.io"]) == ("28.5.2*", "")
    found = value("docker", platform, "__docker_versions", docker_version="")
    assert found["docker-ce"] == "", "no epoch where there is no version"


DISTRO: dict[str, dict[str, str]] = {
    "debian-13": {"docker.io": "", "docker-cli": "", "docker-compose": ""},
    "ubuntu-22.04": {"docker.io": "", "docker-compose-v2": ""},
    "ubuntu-24.04": {"docker.io": "", "docker-compose-v2": ""},
}
REFUSED = {
    "debian-12": "Debian 12.12: its docker.io is 20.10, which has neither Compose v2 nor CDI",
    "alma-9": "AlmaLinux 9.6: it has no Docker Engine, only Podman",
    "rhel-9": "RedHat 9.6: it has no Docker Engine, only Podman",
    "rocky-9": "Rocky 9.6: it has no Docker Engine, only Podman",
}


@pytest.mark.parametrize("platform", PLATFORMS)
def test_the_distributions_packages_or_why_not(platform: str) -> None:
    distro = {"docker_source": "distro"}
    found = value("docker", platform, "__docker_versions", **distro)
    assert found == DISTRO.get(platform, {})
    refused = value("docker", platform, "__docker_refused", **distro)
    words = REFUSED.get(platform)
    wanted = f"docker_source: distro does not work on {words}; write docker_source: docker_ce"
    assert refused == (wanted if words else "")
    pinned = value("docker", platform, "__docker_versions", docker_version="29.1.3*", **distro)
    assert pinned.get("docker.io", "29.1.3*") == "29.1.3*", "a distribution's own has no epoch"


UNKNOWN = [
    ("Debian", "11", "Debian"),
    ("Linux Mint", "21", "Debian"),
    ("Fedora", "42", "RedHat"),
    ("Rocky", "8", "RedHat"),
    ("openSUSE Leap", "15", "Suse"),
]


@pytest.mark.parametrize(("name", "release", "family"), UNKNOWN)
def test_other_systems_are_refused(name: str, release: str, family: str) -> None:
    values = variables("docker", "debian-13")
    values["ansible_facts"] = {
        "distribution": name,
        "distribution_version": f"{release}.1",
        "distribution_major_version": release,
        "os_family": family,
    }
    assert evaluate("{{ __docker_refused }}", values) == (
        f"the role docker does not know {name} {release}.1; use Debian 12 or 13, "
        "Ubuntu 22.04 or 24.04, or RHEL, Rocky or Alma 9"
    )
    assert evaluate("{{ __docker_versions }}", values) == {}


@pytest.mark.parametrize("platform", APT)
def test_the_apt_repository(platform: str) -> None:
    names = {"debian-12": "bookworm", "debian-13": "trixie", "ubuntu-22.04": "jammy"}
    uri = f"https://download.docker.com/linux/{platform.split('-')[0]}"
    assert value("docker", platform, "docker_apt_uri") == uri
    assert value("docker", platform, "docker_apt_suite") == names.get(platform, "noble")
    assert value("docker", platform, "docker_apt_key") == f"{uri}/gpg"
    pins = value("docker", platform, "__docker_pins")
    assert pins[:4] == [{"packages": name, "version": version} for name, version in CE.items()]
    assert pins[4:] == [{"packages": "docker-ce-rootless-extras", "version": "5:29.*"}]
    local = {"docker_apt_uri": "file:/srv/mirror/docker"}
    assert value("docker", platform, "docker_apt_key", **local) == "file:/srv/mirror/docker/gpg"


@pytest.mark.parametrize("platform", DNF)
def test_the_dnf_repository(platform: str) -> None:
    system = "rhel" if platform == "rhel-9" else "centos"
    url = f"https://download.docker.com/linux/{system}/9/$basearch/stable"
    assert value("docker", platform, "docker_yum_baseurl") == url


SETTINGS: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {
    "its own": ({}, {}),
    "registries": (
        {"docker_registry_mirrors": ["https://m"], "docker_insecure_registries": ["d:5000"]},
        {"registry-mirrors": ["https://m"], "insecure-registries": ["d:5000"]},
    ),
    "places": (
        {
            "docker_data_root": "/srv/docker",
            "docker_address_pools": [{"base": "10.213.0.0/16", "size": 24}],
        },
        {
            "data-root": "/srv/docker",
            "default-address-pools": [{"base": "10.213.0.0/16", "size": 24}],
        },
    ),
    "contributions": (
        {
            "a_docker_daemon_settings": {"features": {"x": True}, "labels": ["a"]},
            "site_docker_daemon_settings": {"labels": ["b"], "runtimes": {"r": {"path": "/r"}}},
        },
        {
            "features": {"cdi": True, "x": True},
            "labels": ["b"],
            "runtimes": {"r": {"path": "/r"}},
        },
    ),
    "the user's go over all others": (
        {
            "a_docker_daemon_settings": {"labels": ["a"], "debug": True},
            "docker_daemon_settings": {"labels": ["c"], "debug": None, "features": {"y": True}},
        },
        {"labels": ["c"], "debug": None, "features": {"cdi": True, "y": True}},
    ),
    "templates": (
        {"x": "z", "a_docker_daemon_settings": {"labels": ["{{ x }}"]}},
        {"labels": ["z"]},
    ),
}


@pytest.mark.parametrize("case", SETTINGS)
def test_daemon_settings_are_one_dictionary(case: str) -> None:
    given, wanted = SETTINGS[case]
    own = {"live-restore": True, "features": {"cdi": True}}
    given = {name: trusted(entry) for name, entry in given.items()}
    assert value("docker", "debian-13", "__docker_settings", **given) == {**own, **wanted}


def trusted(entry: Any) -> Any:
    """Return a variable as an inventory gives it: Ansible evaluates its templates."""
    from ansible.template import trust_as_template

    if isinstance(entry, dict):
        return {key: trusted(item) for key, item in entry.items()}
    if isinstance(entry, list):
        return [trusted(item) for item in entry]
    return trust_as_template(entry) if isinstance(entry, str) else entry


@pytest.mark.parametrize(
    ("given", "logging"),
    [
        ({}, {"log-driver": "local", "log-opts": {"max-size": "50m", "max-file": "5"}}),
        (
            {"docker_log_max_size": "9m", "docker_log_max_files": 2},
            {"log-driver": "local", "log-opts": {"max-size": "9m", "max-file": "2"}},
        ),
        ({"docker_daemon_settings": {"log-driver": "journald"}}, {}),
        ({"site_docker_daemon_settings": {"log-driver": "journald"}}, {}),
    ],
)
def test_log_rotation(given: dict[str, Any], logging: dict[str, Any]) -> None:
    assert value("docker", "debian-13", "__docker_logging", **given) == logging
