"""Test the check of web pages that may call from a browser."""

from __future__ import annotations

import httpx
import pytest
from ansible.module_utils.tgi.checks.endpoint import cross_origin
from ansible.module_utils.tgi.checks.endpoint.endpoint_session import Declared
from ansible.module_utils.tgi.checks.undeclared import undeclared

from tests.support.checks.edge_probe import ask

PAGE = "https://chat.example.org"
ALLOWED = {
    "access-control-allow-origin": PAGE,
    "access-control-allow-headers": "Authorization, content-type",
}


def gateway(request: httpx.Request) -> httpx.Response:
    mine = request.headers.get("origin") == PAGE
    if request.method == "OPTIONS":
        return httpx.Response(204, headers=ALLOWED) if mine else httpx.Response(405)
    return httpx.Response(401, headers=ALLOWED if mine else {})


def test_a_declared_page_may_call_and_a_made_up_one_may_not() -> None:
    found, asked = ask(cross_origin.cors_origins, gateway, cors_origins=(PAGE,))
    assert (found.problem, found.observed) == ("", "1 web page may call")
    assert [one.method for one in asked].count("OPTIONS") == 2
    assert not any("authorization" in one.headers for one in asked)


def test_without_pages_one_question_is_enough() -> None:
    found, asked = ask(cross_origin.cors_origins, gateway, cors_origins=())
    assert (found.problem, found.observed) == ("", "no web pages may call")
    assert len(asked) == 1


@pytest.mark.parametrize(
    ("status", "headers", "said"),
    [
        (401, ALLOWED, f"OPTIONS from {PAGE}: HTTP 401"),
        (204, {}, f"OPTIONS from {PAGE}: no Access-Control-Allow-Origin for it"),
        (
            204,
            {**ALLOWED, "access-control-allow-headers": "content-type"},
            f"OPTIONS from {PAGE}: the header Authorization is not allowed",
        ),
    ],
)
def test_what_stops_a_browser(status: int, headers: dict[str, str], said: str) -> None:
    reply = httpx.Response(status, headers=headers)
    found, _ = ask(cross_origin.cors_origins, lambda _: reply, cors_origins=(PAGE,))
    assert found.problem == said


def test_nothing_declared_leaves_the_check_out() -> None:
    assert "cors.origins" in undeclared(Declared())
    assert "cors.origins" not in undeclared(Declared(cors_origins=()))
