"""Run each test for every deployed endpoint of the inventory (--ansible-inventory)."""

from __future__ import annotations

import pytest

from tests.support.live.endpoints import inventory_path, load_endpoints


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if "endpoint" in metafunc.fixturenames:
        endpoints = load_endpoints(inventory_path(metafunc.config))
        metafunc.parametrize("endpoint", endpoints, ids=lambda endpoint: endpoint.host)


@pytest.fixture(scope="session")
def inventory(request: pytest.FixtureRequest) -> str:
    return inventory_path(request.config)
