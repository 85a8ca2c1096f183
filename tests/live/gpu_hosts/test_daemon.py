"""Check daemon.json: foreign settings stay, harmful ones are refused, the daemon keeps running."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from typing import Any

import pytest

from tests.support.live.gpu_hosts import BYSTANDER, CONTAINERS, Machine, Play, Played

FILE = "/etc/docker/daemon.json"
DOCKER = ("--tags", "docker")
#: The mirror's registry behind TLS, whose CA is unknown
REGISTRY = "mirror:5443"
#: Asked of the daemon after everything that might have stopped it
STATE = "systemctl show docker --property=MainPID,ActiveState,NRestarts; docker info >/dev/null"


def config(machine: Machine) -> dict[str, Any]:
    found: dict[str, Any] = machine.json(f"cat {FILE}")
    return found


def test_settings_that_are_not_ours_stay(machine: Machine) -> None:
    """The file had an odd layout and no newline at its end."""
    found = config(machine)
    assert found["labels"] == ["owner=site"]
    assert found["max-concurrent-downloads"] == 2
    # One key of theirs and one of ours in the same object
    assert found["features"] == {"buildkit": True, "cdi": True}
    assert machine.json("docker info --format '{{json .Labels}}'") == ["owner=site"]


def test_the_file_before_is_kept(machine: Machine) -> None:
    kept = machine.json(f"cat {FILE}.original-tgi-ansible")
    assert kept == {
        "labels": ["owner=site"],
        "max-concurrent-downloads": 2,
        "features": {"buildkit": True},
    }


@pytest.fixture
def broken(machines: list[Machine]) -> Iterator[dict[str, str]]:
    """Leave a file that is not JSON, then one that names an undefined runtime."""
    texts = {"deb12": '{"labels": ["owner=site"],\n', "deb13": '{"default-runtime": "nvidia"}\n'}
    for machine in machines:
        machine.run(f"cp -p {FILE} /root/daemon.json; cat > {FILE}", texts[machine.name])
    yield texts
    for machine in machines:
        machine.run(f"mv /root/daemon.json {FILE}")


def test_a_broken_file_is_refused_before_any_restart(
    machines: list[Machine], play: Play, broken: dict[str, str]
) -> None:
    words = {"deb12": "is not valid JSON", "deb13": "default-runtime names nvidia"}
    before = [machine.run(STATE) for machine in machines]
    played = play(*DOCKER)
    for machine, state in zip(machines, before):
        played.refused(
            machine, words[machine.name], "repair" if machine.name == "deb12" else "define it"
        )
        assert machine.run(f"cat {FILE}") == broken[machine.name]
        assert machine.run(STATE) == state


#: Each host refuses something else in the same play
REFUSED: list[dict[str, tuple[dict[str, Any], str]]] = [
    {
        "deb12": ({"settings": {"log-driver": "bogus"}}, "log-driver bogus does not exist"),
        # Other engines' packages would go, and the containers with them
        "deb13": ({"source": "docker_ce"}, "Stop them first, or write docker_source: distro"),
    },
    {
        # The daemon's own look at the file passes the first; a reload would take the second
        "deb12": ({"settings": {"storage-opts": ["overlay2.nosuch=1"]}}, "unknown option"),
        "deb13": ({"settings": {"authorization-plugins": ["nosuch"]}}, "nosuch"),
    },
    {
        "deb12": (
            {"settings": {"hosts": ["tcp://0.0.0.0:2375"]}},
            "hosts is set, but the systemd unit passes -H",
        ),
        "deb13": (
            {"settings": {"data-root": "/srv/docker"}},
            "Remove them first (docker ps --all)",
        ),
    },
]


@pytest.mark.parametrize("refused", REFUSED, ids=["names", "starts", "places"])
def test_what_cannot_work_is_refused_before_any_restart(
    machines: list[Machine], play: Play, refused: dict[str, tuple[dict[str, Any], str]]
) -> None:
    before = [_all_of(machine) for machine in machines]
    sources = {"deb12": "docker_ce", "deb13": "distro"}
    played = play(
        *DOCKER,
        wanted={name: {"source": sources[name], **case} for name, (case, _) in refused.items()},
        docker_daemon_settings="{{ wanted[inventory_hostname].settings | default({}) }}",
        docker_source="{{ wanted[inventory_hostname].source }}",
    )
    for machine, state in zip(machines, before):
        played.refused(machine, refused[machine.name][1])
        assert _all_of(machine) == state


def _all_of(machine: Machine) -> tuple[str, str, dict[str, str]]:
    """Return the daemon's process, its file, and its containers' processes."""
    return machine.run(STATE), machine.run(f"cat {FILE}"), machine.alive()


def test_what_the_daemon_does_not_start_with_is_taken_back(
    machines: list[Machine], play: Play
) -> None:
    """Neither dockerd's own check of the file nor a trial start can know that the port is taken."""
    before = [_all_of(machine)[1:] for machine in machines]
    played = play(*DOCKER, docker_daemon_settings={"metrics-addr": "127.0.0.1:8099"})
    for machine, (text, containers) in zip(machines, before):
        said = played.failures[machine.name]
        assert "(metrics-addr)" in said
        assert "the previous ones are back" in said
        assert "port is already allocated" in said
        # Nor does it come back with the next plays, which would fail of the port again
        assert _all_of(machine)[1:] == (text, containers)
        assert "ActiveState=active" in machine.run(STATE)
        # The daemon that died has unmounted what it saw of the containers that serve on
        blind = [name for name in CONTAINERS if not _obeys(machine, name)]
        assert [name for name in blind if name not in said] == []
        for name in blind:
            machine.run(f"docker stop --time 1 {name} && docker start {name}")
            assert _obeys(machine, name)


def _obeys(machine: Machine, name: str) -> bool:
    """Tell whether a command runs in a container, as health checks do."""
    command = "/bin/busybox true" if name == BYSTANDER else "true"
    return machine.attempt(f"docker exec {name} {command}").returncode == 0


@pytest.fixture(scope="module")
def before(machines: list[Machine]) -> dict[str, Any]:
    """Note each host's daemon and containers before any accepted change."""
    return {machine.name: (machine.run(STATE), machine.alive()) for machine in machines}


@pytest.fixture(scope="module")
def changed(before: dict[str, Any], play: Play, machines: list[Machine]) -> Iterator[Played]:
    """Make changes that need a reload, and changes that need a restart of the daemon."""
    assert before
    ca = "{{ lookup('ansible.builtin.file', hosts_state_dir ~ '/registry-ca.crt') }}"
    yield play(
        *DOCKER,
        docker_daemon_settings={"labels": ["owner=other"]},
        docker_log_max_size="20m",
        docker_https_proxy="http://proxy.invalid:3128",
        docker_no_proxy="mirror",
        docker_registry_cas={REGISTRY: ca},
        docker_users=["deploy"],
    )
    back = {"labels": ["owner=site"]}
    play(*DOCKER, docker_daemon_settings=back).passed()
    again = play(*DOCKER, docker_daemon_settings=back).passed()
    assert again.changed == {machine.name: 0 for machine in machines}
    for machine in machines:
        # Whoever is in the group may have been before
        machine.run("gpasswd --delete deploy docker")
        assert config(machine)["labels"] == ["owner=site"]
        # What a variable brought goes with it
        assert "proxies" not in config(machine)
        assert _pull(machine).returncode != 0
        assert machine.alive() == before[machine.name][1]


def _pull(machine: Machine) -> subprocess.CompletedProcess[str]:
    """Pull the models' image from the registry behind TLS."""
    images = machine.run("docker images --digests --format '{{.Repository}}@{{.Digest}}'")
    image = next(line for line in images.splitlines() if line.startswith("mirror:5000/"))
    return machine.attempt(f"docker pull {image.replace('mirror:5000', REGISTRY)} 2>&1")


@pytest.mark.usefixtures("changed")
class TestChange:
    """A change takes effect, and no container is disturbed."""

    def test_it_passes(self, machine: Machine, changed: Played, before: dict[str, Any]) -> None:
        changed.passed()
        daemon, containers = before[machine.name]
        assert machine.run(STATE) != daemon
        assert machine.alive() == containers
        assert "Paris" in machine.answers("scribe")

    def test_settings_are_in_force(self, machine: Machine) -> None:
        assert machine.json("docker info --format '{{json .Labels}}'") == ["owner=other"]
        assert config(machine)["log-opts"]["max-size"] == "20m"

    def test_the_proxy_is_asked_for_all_but_what_is_near(self, machine: Machine) -> None:
        form = "{{.HTTPSProxy}} {{.NoProxy}}"
        proxy, near = machine.run(f"docker info --format '{form}'").split()
        assert proxy == "http://proxy.invalid:3128"
        assert "mirror" in near.split(",")

    def test_a_private_ca_is_trusted_for_its_registry(self, machine: Machine) -> None:
        pulled = _pull(machine)
        assert pulled.returncode == 0, pulled.stdout
        own, owner = machine.run(f"stat -c '%a %U:%G' /etc/docker/certs.d/{REGISTRY}/*").split()
        assert (int(own, 8) & 0o222, owner) == (0, "root:root")

    def test_users_get_the_engine_when_asked_for(self, machine: Machine) -> None:
        assert "docker" in machine.run("id --name --groups deploy").split()
