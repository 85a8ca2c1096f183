"""Run each test for every deployed endpoint of the inventory (--ansible-inventory)."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.support.live.endpoints import inventory_path, load_endpoints
from tests.support.live.hosts import host_at


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if "endpoint" in metafunc.fixturenames:
        endpoints = load_endpoints(inventory_path(metafunc.config))
        metafunc.parametrize("endpoint", endpoints, ids=lambda endpoint: endpoint.host)
    if "host" in metafunc.fixturenames:
        groups = yaml.safe_load((Path(inventory_path(metafunc.config)) / "hosts.yml").read_text())
        names = list(groups["all"]["children"]["gpu_hosts"]["hosts"])
        metafunc.parametrize("host", names, indirect=True, scope="module")


@pytest.fixture(scope="module")
def host(request: pytest.FixtureRequest, inventory: str) -> Any:
    """Return a GPU host on which commands run as root."""
    return host_at(inventory, request.param)


@pytest.fixture(scope="session")
def inventory(request: pytest.FixtureRequest) -> str:
    return inventory_path(request.config)
