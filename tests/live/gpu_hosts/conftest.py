"""Run each test for every GPU host of the scenario, and play the roles on all at once.

The files run in the order of their names, and the tests in them as written: a test finds the state
that the tests before it left. Each leaves the hosts as the inventory says.
"""

from __future__ import annotations

from functools import partial

import pytest

from tests.support.live.figures import pytest_terminal_summary
from tests.support.live.gpu_hosts import Machine, Play, inventory_of, load_machines, play

__all__ = ["pytest_terminal_summary"]


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if "machine" in metafunc.fixturenames:
        machines = load_machines(inventory_of(metafunc.config))
        metafunc.parametrize("machine", machines, ids=lambda machine: machine.name)


@pytest.fixture(scope="session")
def machines(pytestconfig: pytest.Config) -> list[Machine]:
    """Return all hosts, for tests that begin with one play for all."""
    return load_machines(inventory_of(pytestconfig))


@pytest.fixture(scope="session", name="play")
def play_here(pytestconfig: pytest.Config) -> Play:
    """Run the roles on all hosts: ``play("--tags", "docker", docker_version="5:29.*")``."""
    return partial(play, inventory=inventory_of(pytestconfig))
