"""Test headers and error pages of the gateway."""

from __future__ import annotations

import httpx
import pytest
from ansible.module_utils.tgi.checks.endpoint import web

from tests.support.checks.edge_probe import ask


@pytest.mark.parametrize(
    ("value", "problem"),
    [
        ("max-age=63072000", ""),
        ('Max-Age="63072000"; includeSubDomains', ""),
        ("max-age=60", "max-age is 60"),
        ("includeSubDomains", "without max-age"),
        ("", "no Strict-Transport-Security"),
    ],
)
def test_hsts(value: str, problem: str) -> None:
    found = web.judge_hsts(value, 63072000)
    assert problem in found and bool(found) == bool(problem)


@pytest.mark.parametrize(
    ("server", "tells"),
    [("nginx", False), ("nginx/1.22.1", True), ("uvicorn", False), ("Apache/2.4.1 (Debian)", True)],
)
def test_server_tokens(server: str, tells: bool) -> None:
    found, _ = ask(
        web.server_tokens, lambda _: httpx.Response(401, headers={"server": server}, json={})
    )
    assert bool(found.problem) == tells


def test_an_error_page_of_nginx_tells_its_version_too() -> None:
    page = "<html><hr><center>nginx/1.22.1</center></html>"
    assert ask(web.server_tokens, lambda _: httpx.Response(401, html=page))[0].problem
