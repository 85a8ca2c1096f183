"""Run each test for every gateway of the scenario, as its clients reach it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import cache

import pytest

from tests.support.live.figures import pytest_terminal_summary
from tests.support.live.sites import Site, inventory_of, load_sites

__all__ = ["pytest_terminal_summary"]

OF_EVERY_NGINX = {
    "test_kept", "test_reload", "test_streams", "test_stream_pace", "test_scanners"
}  # fmt: skip
known_sites = cache(load_sites)


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if "site" in metafunc.fixturenames:
        sites = known_sites(inventory_of(metafunc.config))
        # Only what depends on nginx's version is asked of nginx.org's too
        if metafunc.module.__name__.rpartition(".")[2] not in OF_EVERY_NGINX:
            sites = [site for site in sites if site.source == "distro"]
        for mark in metafunc.definition.iter_markers("hosts"):
            sites = [site for site in sites if site.host in mark.args]
        metafunc.parametrize("site", sites, ids=lambda site: site.host, scope="session")


@pytest.hookimpl(wrapper=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> Iterator[None]:
    """Test one gateway after another: first what needs the usual settings, then what needs others;
    each part of a module whole.

    pytest itself would mix the modules' tests, and each change of settings takes a play.
    """
    written = {item: number for number, item in enumerate(items)}
    yield
    items.sort(key=lambda item: (_host(item), _has_other_settings(item), written[item]))


def _host(item: pytest.Item) -> str:
    site = item.callspec.params.get("site") if hasattr(item, "callspec") else None
    return site.host if site else ""


def _has_other_settings(item: pytest.Item) -> bool:
    return "other_settings" in getattr(item, "fixturenames", ())


@pytest.fixture(scope="module")
def other_settings(site: Site) -> Callable[..., Site]:
    """Return what gives the gateway other settings than the inventory's."""
    return site.settle


@pytest.fixture(autouse=True)
def fresh(request: pytest.FixtureRequest) -> None:
    """Reset the engines' counters before each test, and bring the usual settings back."""
    if "site" in request.fixturenames:
        site: Site = request.getfixturevalue("site")
        if not _has_other_settings(request.node):
            site.settle()
        site.forget()
