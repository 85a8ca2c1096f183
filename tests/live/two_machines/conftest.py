"""Run each test for every gateway, as its clients reach it; commands run on every host."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import testinfra

from tests.support.live.endpoints import inventory_path, load_endpoints
from tests.support.live.figures import pytest_terminal_summary

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
    """Return a host by its name."""
    return lambda name: testinfra.get_host(
        f"ansible://{name}?force_ansible=True", ansible_inventory=inventory
    )
