"""Check that uninstalling removes what the roles installed and nothing else, and that the host
can be deployed again.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

import pytest

from tests.support.live.gpu_hosts import BYSTANDER, PORTS, Machine, Play, Played

PLAYBOOK = "playbooks/uninstall.yml"
PACKAGES = (
    "docker-ce docker-ce-cli docker.io docker-compose-plugin docker-compose "
    "nvidia-container-toolkit nvidia-container-toolkit-base libnvidia-container-tools "
    "libnvidia-container1"
)
INSTALLED = f"""
dpkg-query --show --showformat '${{Package}} ${{db:Status-Status}}\\n' {PACKAGES} 2>/dev/null |
  sed -n 's/ installed$//p'
"""
WEIGHTS = "ls -d /var/lib/tgi/hub/models--acme--*"
# Others' own copies of what the roles converted may stay
LEFT = """
ls -d /var/lib/tgi /opt/tgi /var/run/cdi/* 2>/dev/null || true
find /etc /usr/local -name '*tgi*' -not -name '*.before-tgi-ansible.bak'
find /etc/apt/sources.list.d /etc/apt/preferences.d /etc/apt/keyrings -type f \
  -not -name '*.before-tgi-ansible.bak' -not -name nvidia-container-runtime.list
apt-mark showhold
iptables -S | grep TGI || true
"""
# By what a change would show
STATE = f"""
{INSTALLED}
find /etc/apt /etc/docker /etc/systemd /opt/tgi /var/lib/tgi -printf '%p %s %T@ %l\\n' | sort
docker ps --all --no-trunc --format '{{{{.ID}}}} {{{{.State}}}}' | sort
"""


@pytest.fixture(scope="module")
def undo(play: Play) -> Play:
    return partial(play, playbook=PLAYBOOK)


def unchanged(played: Played, machines: list[Machine]) -> bool:
    return played.passed().changed == {machine.name: 0 for machine in machines}


@pytest.fixture
def resting(machines: list[Machine]) -> Iterator[None]:
    """Stop the foreign containers."""
    for machine in machines:
        machine.run(f"docker stop --time 1 {BYSTANDER}")
    yield
    for machine in machines:
        machine.run(f"docker start {BYSTANDER}")


@pytest.mark.usefixtures("resting")
def test_check_mode_only_tells(machines: list[Machine], undo: Play) -> None:
    before = [machine.run(STATE) for machine in machines]
    played = undo("--check", "--diff", uninstall_docker=True, uninstall_weights=True).passed()
    assert all(played.changed[machine.name] for machine in machines)
    assert [machine.run(STATE) for machine in machines] == before


def test_docker_stays_under_containers_that_are_not_ours(
    machines: list[Machine], undo: Play
) -> None:
    before = [machine.run(STATE) for machine in machines]
    played = undo(uninstall_docker=True)
    for machine in machines:
        assert "tgi-" not in played.refused(machine, BYSTANDER, "still run and need Docker")
    assert [machine.run(STATE) for machine in machines] == before


@pytest.fixture(scope="module")
def settings(machines: list[Machine]) -> dict[str, str]:
    """Return the daemon's settings as they were written by hand."""
    return {
        machine.name: machine.run("cat /etc/docker/daemon.json.original*") for machine in machines
    }


@pytest.fixture(scope="module")
def first(settings: dict[str, str], machines: list[Machine], undo: Play) -> Played:
    assert len(settings) == len(machines)
    return undo()


@pytest.mark.usefixtures("first")
class TestByDefault:
    """Models and toolkit are removed; weights and Docker stay."""

    def test_it_passes(self, first: Played, machine: Machine) -> None:
        first.passed()
        assert "the weights of acme/clerk, acme/scribe stay in /var/lib/tgi" in first.text
        assert machine.alive(BYSTANDER)

    def test_models_are_gone_and_their_weights_are_there(self, machine: Machine) -> None:
        assert machine.run("docker ps --all --format '{{.Names}}'").split() == [BYSTANDER]
        assert machine.attempt("ls -d /opt/tgi").returncode != 0
        assert len(machine.run(WEIGHTS).split()) == len(PORTS)
        assert machine.attempt("systemctl list-unit-files --no-legend 'tgi*'").stdout == ""
        assert machine.run("systemctl list-units --all --no-legend 'tgi*'") == ""

    def test_docker_is_there_and_the_toolkit_is_not(self, machine: Machine) -> None:
        packages = machine.run(INSTALLED).split()
        assert packages
        assert not [name for name in packages if "nvidia" in name]
        assert "cdi" not in machine.run("ls /var/run/cdi 2>/dev/null || true")


@pytest.fixture(scope="module")
def everything(machines: list[Machine], undo: Play) -> Played:
    for machine in machines:
        machine.run(f"docker rm --force {BYSTANDER}")
    return undo(uninstall_docker=True, uninstall_weights=True)


@pytest.mark.usefixtures("everything")
class TestEverything:
    """On request Docker and the weights are removed, too; the roles bring all back."""

    def test_it_does_nothing_twice(
        self, first: Played, everything: Played, machine: Machine
    ) -> None:
        everything.passed()
        again = {*first.changes[machine.name]} & {*everything.changes[machine.name]}
        # The weights were in some
        assert again == {"tgi : Uninstall | Remove directories that are empty"}

    def test_it_leaves_nothing(self, machine: Machine) -> None:
        assert machine.run(INSTALLED) == ""
        assert machine.attempt(WEIGHTS).returncode != 0
        assert machine.run(LEFT) == ""
        assert machine.run("systemctl list-units --failed --no-legend") == ""

    def test_others_settings_are_as_they_were(
        self, machine: Machine, settings: dict[str, str]
    ) -> None:
        assert machine.json("cat /etc/docker/daemon.json") == machine.json(
            f"cat <<'END'\n{settings[machine.name]}\nEND"
        )

    def test_nothing_is_left_to_do(self, machines: list[Machine], undo: Play) -> None:
        assert unchanged(undo(uninstall_docker=True, uninstall_weights=True), machines)

    def test_it_converges_again(self, machines: list[Machine], play: Play) -> None:
        play().passed()
        for machine in machines:
            assert all("Paris" in machine.answers(model) for model in PORTS)
