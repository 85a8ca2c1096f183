"""Check dnf's part with real dnf, rpm, signatures and locks, on the Debian 12 host."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.support.live.gpu_hosts import Machine, Play, Played

HERE = Path(__file__).parent
LOCKS = "/etc/dnf/plugins/versionlock.list"
Install = Callable[..., Played]


@pytest.fixture(scope="module")
def rocky(machines: list[Machine]) -> Iterator[Machine]:
    machine = machines[0]
    yield machine
    machine.run(
        f"rpm --query --all | xargs rpm --erase --nodeps; : > {LOCKS}; rm -fr /srv/rpm "
        "/etc/yum.repos.d/* /etc/pki/rpm-gpg/RPM-GPG-KEY-docker-ce-stable"
    )


@pytest.fixture(scope="module")
def install(rocky: Machine, play: Play) -> Install:
    fingerprint = rocky.run((HERE / "rpm_repository.sh").read_text()).strip()

    def call(version: str, part: str = "main") -> Played:
        return play(
            "--limit",
            rocky.name,
            playbook="tests/live/gpu_hosts/as_rocky.yml",
            rocky_part=part,
            docker_source="docker_ce",
            docker_version=version,
            docker_containerd_version="2.*",
            docker_yum_baseurl="file:///srv/rpm",
            docker_yum_key="file:///srv/rpm/gpg.asc",
            docker_yum_key_fingerprint=fingerprint,
        )

    return call


def installed(machine: Machine) -> dict[str, str]:
    form = "%{NAME} %{EPOCHNUM}:%{VERSION}\\n"
    lines = machine.run(f"rpm --query --all --queryformat '{form}'").splitlines()
    found = dict(line.split(" ") for line in lines)
    return {name: version for name, version in found.items() if name != "gpg-pubkey"}


def test_what_conflicts_stays_while_containers_run(rocky: Machine, install: Install) -> None:
    words = "docker-ce replaces runc, podman-docker, but"
    install("29.2.*").refused(rocky, words, "containers run")
    assert installed(rocky) == {"runc": "0:1.1.9", "podman-docker": "0:4.9"}


def test_it_installs_what_is_missing_and_holds_it(rocky: Machine, install: Install) -> None:
    rocky.run("rpm --erase runc podman-docker")
    engine = rocky.run("systemctl show --property MainPID docker")
    install("29.2.*").passed()
    assert installed(rocky) == {
        "docker-ce": "3:29.2.0",
        "docker-ce-cli": "3:29.2.0",
        "containerd.io": "0:2.1.5",
        "docker-compose-plugin": "0:2.40.3",
        "python3-dnf-plugin-versionlock": "0:4.14",
    }
    assert rocky.run("systemctl show --property MainPID docker") == engine
    again = install("29.2.*").passed()
    assert again.changed == {rocky.name: 0}


def test_unsigned_packages_are_refused(rocky: Machine, install: Install) -> None:
    before = installed(rocky)
    said = install("29.3.*").failures[rocky.name]
    assert "29.3.0-1.el9.noarch.rpm is not signed" in said
    assert installed(rocky) == before


def test_it_stops_on_purpose_and_starts_on_purpose_only(rocky: Machine, install: Install) -> None:
    install("29.1.0").passed()
    assert installed(rocky)["docker-ce"] == installed(rocky)["docker-ce-cli"] == "3:29.1.0"
    locks = rocky.run(f"cat {LOCKS}").splitlines()
    assert "docker-ce-3:29.1.0-1.el9.*" in locks
    assert "containerd.io-2.1.5-1.el9.*" in locks
    rocky.run("dnf --assumeyes --nogpgcheck upgrade")
    assert installed(rocky)["docker-ce"] == "3:29.1.0"


def test_it_goes_with_its_repository_and_its_locks(rocky: Machine, install: Install) -> None:
    install("29.1.0", "uninstall_dnf").passed()
    assert set(installed(rocky)) == {"python3-dnf-plugin-versionlock"}
    assert "docker" not in rocky.run(f"cat {LOCKS}; ls /etc/yum.repos.d /etc/pki/rpm-gpg")
    assert install("29.1.0", "uninstall_dnf").passed().changed == {rocky.name: 0}
