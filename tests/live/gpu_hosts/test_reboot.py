"""Check that models come back without Ansible: after a reboot, and however Docker was restarted.

Each is done to all hosts at once, as most of it is waiting.
Debian's engine, and Docker's of the same release, lose every container with a GPU when they start.
"""

from __future__ import annotations

import json
import subprocess
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.support.live.gpu_hosts import BYSTANDER, CONTAINERS, PORTS, Machine, Play, inventory_of

MODELS = [name for name in CONTAINERS if name != BYSTANDER]
FILE = "/etc/docker/daemon.json"
LOST = "could not select device driver"
RESTART = "systemctl reset-failed docker; systemctl restart docker"


def generates(machine: Machine, model: str) -> bool:
    try:
        return "Paris" in machine.answers(model)
    except (subprocess.CalledProcessError, subprocess.TimeoutExpired):
        return False


def until(seconds: float, look: Callable[[], Any]) -> None:
    """Wait until ``look`` returns something true, or fail."""
    end = time.monotonic() + seconds
    while not look():
        assert time.monotonic() < end, f"not within {seconds:g} s"
        time.sleep(0.5)


def reboot(machine: Machine) -> None:
    """End all processes, and empty /run with the CDI specification."""
    command = ["docker", "restart", machine.container]
    subprocess.run(command, check=True, capture_output=True, timeout=120)


def identities(machine: Machine) -> list[str]:
    """Return the containers' ids: a container that came back keeps its id."""
    return machine.run(f"docker inspect --format '{{{{.Id}}}}' {' '.join(MODELS)}").split()


def lost(machine: Machine, since: float) -> int:
    """Return how often the daemon logged that it could not start a container."""
    said = machine.run(f"journalctl --unit docker --since @{since:.0f} --output cat --no-pager")
    return said.count(LOST)


def together(machines: list[Machine], act: Callable[[Machine], Any]) -> None:
    """Do the same to all hosts at once."""
    with ThreadPoolExecutor() as pool:
        list(pool.map(act, machines))


def comes_back(machine: Machine, note: Any, what: str, act: Callable[[Machine], Any]) -> None:
    """Check that all models generate in the same containers again, though Docker lost them."""
    before, began = identities(machine), time.time()
    act(machine)
    for model in PORTS:
        until(90, partial(generates, machine, model))
    note(f"{machine.name}: all models generate after {what}", f"{time.time() - began:.0f} s")
    assert identities(machine) == before
    assert lost(machine, began) >= len(PORTS)
    assert machine.run("systemctl list-units --failed --no-legend 'tgi*'") == ""


def test_nothing_waits_for_a_daemon_reload(machine: Machine) -> None:
    units = "docker tgi-models tgi@scribe tgi@clerk"
    assert machine.run(f"systemctl show --value --property NeedDaemonReload {units}").split() == [
        "no"
    ] * len(units.split())
    wants = machine.run("systemctl show --value --property Wants docker").split()
    assert "tgi-models.service" in wants


def test_after_a_reboot(machines: list[Machine], record_property: Any) -> None:
    def check(machine: Machine) -> None:
        comes_back(machine, record_property, "a reboot", reboot)
        until(30, lambda: "running" in machine.attempt("systemctl is-system-running").stdout)

    together(machines, check)


@pytest.mark.parametrize("what", [RESTART, "systemctl kill --signal KILL docker"])
def test_the_daemons_end_is_nothing_to_them(machines: list[Machine], what: str) -> None:
    def check(machine: Machine) -> None:
        before = machine.alive(*MODELS)
        machine.run(what)
        time.sleep(5)
        assert machine.alive(*MODELS) == before
        assert all(generates(machine, model) for model in PORTS)

    together(machines, check)


@pytest.fixture
def mortal(machines: list[Machine]) -> Iterator[None]:
    """Let containers end with the daemon."""
    texts = {machine.name: machine.run(f"cat {FILE}") for machine in machines}
    form = "docker info --format '{{.LiveRestoreEnabled}}'"

    def write(machine: Machine, given: str, enabled: str) -> None:
        machine.run(f"cat > {FILE}; systemctl reload docker", given)
        until(10, lambda: machine.run(form).strip() == enabled)

    for machine in machines:
        given = {**json.loads(texts[machine.name]), "live-restore": False}
        write(machine, json.dumps(given), "false")
    yield
    for machine in machines:
        write(machine, texts[machine.name], "true")


RESTARTS = {
    "a restart of the daemon without live-restore": RESTART,
    "a stop and a start of it": f"systemctl stop docker.socket docker; {RESTART}",
}


@pytest.mark.usefixtures("mortal")
@pytest.mark.parametrize("what", RESTARTS)
def test_after_containers_ended_with_the_daemon(
    machines: list[Machine], record_property: Any, what: str
) -> None:
    def act(machine: Machine) -> None:
        machine.run(RESTARTS[what])

    together(machines, lambda machine: comes_back(machine, record_property, what, act))


@pytest.fixture
def off(machines: list[Machine]) -> Iterator[None]:
    """Stop one model on purpose, and delay the driver at the next boot."""
    for machine in machines:
        machine.run("docker compose --project-directory /opt/tgi/clerk stop 2>&1")
        machine.run("mv /usr/bin/nvidia-smi /usr/bin/nvidia-smi.late")
    yield
    for machine in machines:
        machine.run(
            "[ ! -e /usr/bin/nvidia-smi.late ] || mv /usr/bin/nvidia-smi.late /usr/bin/nvidia-smi"
        )
        machine.run("docker compose --project-directory /opt/tgi/clerk start 2>&1")
    for machine in machines:
        until(60, partial(generates, machine, "clerk"))


@pytest.mark.usefixtures("off")
def test_what_was_stopped_stays_so_and_a_late_driver_is_waited_for(machines: list[Machine]) -> None:
    state = "systemctl show --value --property SubState tgi@scribe"

    def check(machine: Machine) -> None:
        reboot(machine)
        until(60, lambda: machine.attempt(state).stdout.strip() == "auto-restart")
        assert not generates(machine, "scribe")
        machine.run("mv /usr/bin/nvidia-smi.late /usr/bin/nvidia-smi")
        machine.run("systemctl restart nvidia-cdi-refresh")
        until(60, lambda: generates(machine, "scribe"))
        shown = machine.run("docker inspect --format '{{.State.Status}}' tgi-clerk-tgi-1")
        assert shown.strip() == "exited"

    together(machines, check)


def test_a_model_that_is_listed_no_more_leaves_no_unit(
    machines: list[Machine], play: Play, pytestconfig: pytest.Config
) -> None:
    groups = yaml.safe_load((Path(inventory_of(pytestconfig)) / "hosts.yml").read_text())
    models = groups["all"]["children"]["disposable"]["hosts"]["deb12"]["tgi_models"]
    play("--tags", "tgi", tgi_models=models[:1]).passed()
    for machine in machines:
        machine.run(RESTART)
    time.sleep(3)
    for machine in machines:
        assert "clerk" not in machine.run("systemctl list-units --all 'tgi@*'; ls /opt/tgi")
    play("--tags", "tgi").passed()
    for machine in machines:
        assert generates(machine, "clerk")
