"""Run each test for the gateways on which it could fail differently, as clients reach them.

gw12 has Debian 12's nginx 1.22 with njs 0.7.9 and certbot 2.1, gw13 has Debian 13's nginx 1.26 with
njs 0.8.9 and certbot 4.0, gworg has nginx.org's 1.30. ``TGI_GATEWAYS=1`` asks everything of both of
Debian's.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from functools import cache

import pytest

from tests.support.live.figures import pytest_terminal_summary
from tests.support.live.sites import Site, inventory_of, load_sites
from tests.support.live.token_budget import FAST, budget

__all__ = ["pytest_terminal_summary"]

#: What depends on how nginx reads, writes and ends connections. All other modules are for both of
#: Debian's: the code that runs in njs, and what a system's packages bring.
OF_EVERY_NGINX = {
    "test_kept", "test_reload", "test_streams", "test_stream_pace", "test_scanners"
}  # fmt: skip
#: Of these, gw13 is enough: what the role does and refuses, and what options and limits of nginx
#: itself do, depends on no version. ``enough`` marks what gw12 must prove of them all the same, and
#: what gw13 alone proves of other modules.
OF_ONE = {
    "test_acme", "test_broken", "test_limits", "test_options", "test_refused", "test_steady"
}  # fmt: skip
#: As graders want it
HSTS = {"gateway_tls_hsts_seconds": 63072000}
#: Fixtures that change settings, in the order of the tests that use them; the usual settings come
#: before. Several modules use the last three: one play gives what does not touch each other.
PARTS = ("last_settings", "other_settings", "counted", "graded_dry", "modern_plain")
EVERYTHING = os.environ.get("TGI_GATEWAYS") == "1"
known_sites = cache(load_sites)


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if "site" in metafunc.fixturenames:
        sites = known_sites(inventory_of(metafunc.config))
        module = metafunc.module.__name__.rpartition(".")[2]
        if module not in OF_EVERY_NGINX:
            sites = [site for site in sites if site.source == "distro"]
        for mark in metafunc.definition.iter_markers("hosts"):
            sites = [site for site in sites if site.host in mark.args]
        if not EVERYTHING:
            marked = metafunc.definition.get_closest_marker("enough")
            enough = marked.args if marked else ("gw13",) if module in OF_ONE else ()
            sites = [site for site in sites if not enough or site.host in enough]
        metafunc.parametrize("site", sites, ids=lambda site: site.host, scope="session")


@pytest.hookimpl(wrapper=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> Iterator[None]:
    """Test one gateway after another, and on each one part after the other.

    pytest itself would mix the modules' tests, and each change of settings takes a play.
    """
    written = {item: number for number, item in enumerate(items)}
    yield
    items.sort(key=lambda item: (_host(item), _part(item), written[item]))


def _host(item: pytest.Item) -> str:
    site = item.callspec.params.get("site") if hasattr(item, "callspec") else None
    return site.host if site else ""


def _part(item: pytest.Item) -> int:
    names = getattr(item, "fixturenames", ())
    return max((number for number, name in enumerate(PARTS, 1) if name in names), default=0)


@pytest.fixture(scope="module")
def other_settings(site: Site) -> Callable[..., Site]:
    """Return what gives the gateway other settings than the inventory's."""
    return site.settle


@pytest.fixture
def last_settings(site: Site) -> Callable[..., Site]:
    """Return the same for a test that begins with the usual settings."""
    return site.settle


@pytest.fixture(scope="module")
def counted(site: Site, other_settings: Callable[..., Site]) -> Site:
    """Use HTTP/2, and budgets so that njs sees every piece of an answer: ``free`` has one that is
    never used up, three answers are over that of ``slow``.
    """
    most = {"tokens_per_minute": 10**8} if budget(site) else {}
    tiers = {"free": {**FAST, **most}, "few": {**FAST, **budget(site)}}
    consumers = [
        {"name": name, "tier": tier, "keys": site.keys[name]}
        for name, tier in (("free", "free"), ("slow", "few"))
    ]
    return other_settings(gateway_http2=True, gateway_tiers=tiers, gateway_consumers=consumers)


@pytest.fixture(scope="module")
def graded_dry(site: Site, other_settings: Callable[..., Site]) -> Site:
    """Switch HSTS on, which graders ask for, and let limits only tell the log.

    Of a model with many replicas, njs names the upstream: gixy cannot know that it is one of few.
    """
    few = [backend for backend in site.backends if len(backend["replicas"]) <= 2]
    return other_settings(**HSTS, gateway_limits_dry_run=True, gateway_backends=few)


@pytest.fixture(scope="module")
def modern_plain(other_settings: Callable[..., Site]) -> Site:
    """Use TLS 1.3 alone, and turn the dialect off."""
    modern = {**HSTS, "gateway_tls_profile": "modern"}
    return other_settings(**modern, gateway_openai_dialect=False)


@pytest.fixture(autouse=True)
def fresh(request: pytest.FixtureRequest) -> None:
    """Reset the engines' counters before each test, and bring the usual settings back."""
    if "site" in request.fixturenames:
        site: Site = request.getfixturevalue("site")
        if _part(request.node) <= PARTS.index("last_settings") + 1:
            site.settle()
        site.forget()
