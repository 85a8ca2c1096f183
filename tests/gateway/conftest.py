"""Tests of the gateway get each gateway of the scenario as its clients reach it."""

from __future__ import annotations

import pytest
from sites import Site, inventory_of, load_sites


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if "site" in metafunc.fixturenames:
        sites = load_sites(inventory_of(metafunc.config))
        # Only what depends on nginx's version is asked of nginx.org's too
        if metafunc.module.__name__ not in {"test_reload", "test_streams", "test_scanners"}:
            sites = [site for site in sites if site.source == "distro"]
        metafunc.parametrize("site", sites, ids=lambda site: site.host, scope="session")


@pytest.fixture(autouse=True)
def fresh_counters(request: pytest.FixtureRequest) -> None:
    """Every test counts from nothing."""
    if "site" in request.fixturenames:
        site: Site = request.getfixturevalue("site")
        site.forget()
