"""daemon.json: what others wrote stays, what would break is refused, the daemon is never down."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
from engine_hosts import Machine, Play

FILE = "/etc/docker/daemon.json"
DOCKER = ("--tags", "docker")
#: Asked of the daemon after everything that might have stopped it
STATE = "systemctl show docker --property=MainPID,ActiveState,NRestarts; docker info >/dev/null"


def config(machine: Machine) -> dict[str, Any]:
    found: dict[str, Any] = machine.json(f"cat {FILE}")
    return found


def test_settings_of_others_stay(machine: Machine) -> None:
    """The file before was laid out as no program does, and had no end of line."""
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
    """Files as somebody left them: one that is no JSON, one whose runtime nobody defines."""
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


#: Two plays on both hosts: each host refuses something else
REFUSED: list[dict[str, tuple[dict[str, Any], str]]] = [
    {
        "deb12": ({"default-runtime": "nvidia"}, "default-runtime names nvidia"),
        "deb13": ({"log-driver": "bogus"}, "log-driver bogus does not exist"),
    },
    {
        "deb12": ({"hosts": ["tcp://0.0.0.0:2375"]}, "must not set hosts"),
        "deb13": ({"data-root": "/srv/docker"}, "data-root cannot change while"),
    },
]


@pytest.mark.parametrize("refused", REFUSED, ids=["names", "places"])
def test_settings_that_cannot_work_are_refused_before_any_restart(
    machines: list[Machine], play: Play, refused: dict[str, tuple[dict[str, Any], str]]
) -> None:
    before = [_all_of(machine) for machine in machines]
    settings = {name: wanted for name, (wanted, _) in refused.items()}
    played = play(
        *DOCKER,
        settings_by_host=settings,
        docker_daemon_settings="{{ settings_by_host[inventory_hostname] }}",
    )
    for machine, state in zip(machines, before):
        played.refused(machine, refused[machine.name][1])
        assert _all_of(machine) == state


def _all_of(machine: Machine) -> tuple[str, str, dict[str, str]]:
    """The daemon's process, its file, and the containers'."""
    return machine.run(STATE), machine.run(f"cat {FILE}"), machine.alive()


def test_what_the_daemon_does_not_start_with_is_taken_back(
    machines: list[Machine], play: Play
) -> None:
    """`dockerd --validate` has nothing against it."""
    before = [_all_of(machine)[1:] for machine in machines]
    settings = {"exec-opts": ["native.cgroupdriver=bogus"]}
    accepted = machines[0].attempt(
        "dockerd --validate --config-file /dev/stdin", json.dumps(settings)
    )
    assert accepted.returncode == 0
    played = play(*DOCKER, docker_daemon_settings=settings)
    for machine, (text, containers) in zip(machines, before):
        said = played.failures[machine.name]
        assert "exec-opts" in said
        assert "those from before are back" in said
        assert "native.cgroupdriver" in said
        assert _all_of(machine)[1:] == (text, containers)
        assert "ActiveState=active" in machine.run(STATE)
    # What was refused does not come back
    assert play(*DOCKER).passed().changed == {machine.name: 0 for machine in machines}


def test_a_change_of_settings_touches_no_container(machines: list[Machine], play: Play) -> None:
    """One that takes a reload, and one that takes a restart of the daemon."""
    before = [(machine.run(STATE), machine.alive()) for machine in machines]
    settings = {"labels": ["owner=other"], "log-opts": {"max-size": "20m"}}
    play(*DOCKER, docker_daemon_settings=settings).passed()
    for machine, (daemon, containers) in zip(machines, before):
        assert machine.run(STATE) != daemon
        assert machine.json("docker info --format '{{json .Labels}}'") == ["owner=other"]
        assert config(machine)["log-opts"]["max-size"] == "20m"
        assert machine.alive() == containers
    back = {"labels": ["owner=site"], "log-opts": {"max-size": "50m"}}
    play(*DOCKER, docker_daemon_settings=back).passed()
    again = play(*DOCKER, docker_daemon_settings=back).passed()
    assert again.changed == {machine.name: 0 for machine in machines}
    for machine, (_, containers) in zip(machines, before):
        assert config(machine)["labels"] == ["owner=site"]
        assert machine.alive() == containers
        assert "Paris" in machine.answers("scribe")
