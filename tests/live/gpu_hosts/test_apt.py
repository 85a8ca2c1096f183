"""Check repositories, keys and versions: converted, pinned, held, changed only on purpose."""

from __future__ import annotations

import pytest

from tests.support.live.gpu_hosts import Machine, Play, Played

TOOLKIT = (
    "nvidia-container-toolkit",
    "nvidia-container-toolkit-base",
    "libnvidia-container-tools",
    "libnvidia-container1",
)
NEW, OLD = "1.20.0-1", "1.19.1-1"
#: The mirror has an older engine for Debian 12; Debian 13 keeps the distribution's
OLD_ENGINE = "26.1.4*"
ENGINE = "{{ '%s' if docker_source == 'docker_ce' else '' }}"
STATE = """
find /etc/apt /usr/share/keyrings -type f -exec sha256sum {} + | sort
dpkg-query --show; apt-mark showhold; dpkg --audit
"""
PACKAGES = ("--tags", "docker,nvidia_container_toolkit")


def of_toolkit(machine: Machine) -> set[str]:
    return set(machine.versions(*TOOLKIT).values())


def engine_of(machine: Machine) -> str:
    package = "docker-ce" if machine.name == "deb12" else "docker.io"
    return machine.versions(package)[package]


def test_what_was_set_up_by_hand_is_converted(machine: Machine) -> None:
    """One source and one key, valid for that source alone, remain; apt prints no warning."""
    sources = machine.run("cat /etc/apt/sources.list /etc/apt/sources.list.d/*.list || true")
    assert "mirror" not in sources
    assert "nvidia" not in sources
    updated = machine.attempt("apt-get update 2>&1")
    assert updated.returncode == 0
    assert not [line for line in updated.stdout.splitlines() if line[:2] in ("W:", "E:")]
    source = machine.run("cat /etc/apt/sources.list.d/nvidia-container-toolkit.sources")
    assert "Signed-By: /etc/apt/keyrings/nvidia-container-toolkit.asc" in source


def test_keys_that_counted_for_everything_are_gone(machine: Machine) -> None:
    listed = machine.run("""
for file in /etc/apt/trusted.gpg /etc/apt/trusted.gpg.d/*; do
  case $file in *.gpg|*.asc) [ ! -e "$file" ] || gpg --show-keys "$file" 2>/dev/null ;; esac
done""")
    assert "tgi-ansible test mirror" not in listed
    assert "Debian" in listed


def test_the_first_run_left_running_what_ran(machine: Machine) -> None:
    """A container ran before the first run, which upgraded the engine on Debian 12."""
    process, started = machine.run("cat /root/by-hand").split()
    assert machine.alive("bystander") == {"bystander": f"{process} {started}"}
    assert machine.run("busybox wget -q -O - http://127.0.0.1:8099/bin/busybox | wc -c") != "0\n"


def test_versions_are_those_asked_for(machine: Machine) -> None:
    assert of_toolkit(machine) == {NEW}
    assert engine_of(machine).startswith({"deb12": "5:26.1.5", "deb13": "26.1.5"}[machine.name])


@pytest.fixture(scope="module")
def before(machines: list[Machine]) -> dict[str, dict[str, str]]:
    return {machine.name: machine.alive() for machine in machines}


@pytest.fixture(scope="module")
def downgraded(play: Play) -> Played:
    return play(
        *PACKAGES,
        nvidia_container_toolkit_version=OLD,
        docker_version=ENGINE % OLD_ENGINE,
    )


@pytest.mark.usefixtures("before", "downgraded")
class TestOnPurpose:
    """The inventory asks for an older version, then for a newer one."""

    def test_down(self, machine: Machine, downgraded: Played) -> None:
        downgraded.passed()
        assert of_toolkit(machine) == {OLD}
        if machine.name == "deb12":
            assert engine_of(machine).startswith("5:26.1.4")

    def test_nothing_moves_unasked(self, machine: Machine) -> None:
        machine.run("apt-get update -q")
        policy = machine.run("apt-cache policy nvidia-container-toolkit")
        # There is something newer to be had
        assert NEW in policy
        simulated = machine.run("DEBIAN_FRONTEND=noninteractive apt-get --simulate dist-upgrade")
        moving = [line for line in simulated.splitlines() if line.startswith("Inst ")]
        assert not [line for line in moving if "nvidia" in line or "docker" in line]

    def test_a_hold_stays_after_a_change_of_version(self, machine: Machine) -> None:
        assert set(TOOLKIT) <= set(machine.run("apt-mark showhold").split())

    def test_a_newer_one_is_not_installed_by_hand_by_mistake(self, machine: Machine) -> None:
        done = machine.attempt(
            f"DEBIAN_FRONTEND=noninteractive apt-get install -y nvidia-container-toolkit={NEW}"
        )
        assert done.returncode != 0
        assert of_toolkit(machine) == {OLD}

    def test_a_key_of_another_or_a_version_below_the_security_floor_is_refused(
        self, machines: list[Machine], play: Play
    ) -> None:
        words = {
            "deb12": ("nvidia_container_toolkit_version", "1.17.7", "CVE-2025-23266"),
            "deb13": ("fingerprint", "0123456701234567", "nothing was changed"),
        }
        states = [machine.run(STATE) for machine in machines]
        # The key that lies there is the right one, and would do
        played = play(
            "--tags",
            "nvidia_container_toolkit",
            wanted={"deb12": "1.17.7-1", "deb13": OLD},
            nvidia_container_toolkit_version="{{ wanted[inventory_hostname] }}",
            nvidia_container_toolkit_apt_key="http://mirror/nginx/gpgkey",
            nvidia_container_toolkit_apt_key_fingerprint="0123 4567 " * 5,
        )
        for machine, state in zip(machines, states):
            played.refused(machine, *words[machine.name])
            assert machine.run(STATE) == state

    def test_a_tampered_package_is_refused(self, machines: list[Machine], play: Play) -> None:
        """The index is signed and correct; the package's bytes differ from it."""
        for machine in machines:
            # A good one that was fetched before would do
            machine.run("apt-get clean")
        played = play(
            "--tags",
            "nvidia_container_toolkit",
            nvidia_container_toolkit_apt_uri="http://mirror/nvidia-tampered/$(ARCH)",
        )
        for machine in machines:
            said = played.failures[machine.name]
            assert "Hash Sum mismatch" in said or "nvidia-container-toolkit-base" in said, said
            assert "emedy" in said or "; " in said, said
            assert of_toolkit(machine) == {OLD}
            assert machine.run("dpkg --audit") == ""

    def test_up(self, machines: list[Machine], play: Play) -> None:
        play(*PACKAGES).passed()
        for machine in machines:
            assert of_toolkit(machine) == {NEW}
            assert engine_of(machine).startswith(
                {"deb12": "5:26.1.5", "deb13": "26.1.5"}[machine.name]
            )

    def test_no_container_noticed(
        self, machine: Machine, before: dict[str, dict[str, str]]
    ) -> None:
        assert machine.alive() == before[machine.name]
