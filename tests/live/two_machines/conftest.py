"""Run each test for every gateway, as its clients reach it; commands run on every host."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import pytest

from tests.support.live.endpoints import inventory_path, load_endpoints
from tests.support.live.figures import pytest_terminal_summary
from tests.support.live.hosts import host_at

__all__ = ["pytest_terminal_summary"]


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if "endpoint" in metafunc.fixturenames:
        endpoints = load_endpoints(inventory_path(metafunc.config))
        metafunc.parametrize("endpoint", endpoints, ids=lambda endpoint: endpoint.host)


@pytest.fixture(scope="session")
def inventory(request: pytest.FixtureRequest) -> str:
    return inventory_path(request.config)


@pytest.fixture(scope="session")
def at(inventory: str) -> Callable[[str], Any]:
    """Return a host by its name; ``docker exec`` takes a tenth of Ansible's time."""
    return partial(host_at, inventory)
