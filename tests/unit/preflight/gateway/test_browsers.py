"""Test the rules about web pages that may call from a browser."""

from __future__ import annotations

from typing import Any

import pytest
from ansible.module_utils.tgi.common.problem import UNKNOWN
from ansible.module_utils.tgi.preflight.gateway.browsers import check_origins


@pytest.mark.parametrize(
    "origins",
    [
        [],
        None,
        UNKNOWN,
        [UNKNOWN, "https://chat.example.org"],
        ["http://localhost:3000", "https://chat.example.org:8443", "http://[::1]:8080"],
        ["chrome-extension://abcdefghijklmnop", "capacitor://localhost", "app://obsidian.md"],
    ],
)
def test_what_is_let_through(origins: Any) -> None:
    assert list(check_origins({"gateway_cors_origins": origins})) == []


@pytest.mark.parametrize(
    ("origin", "what", "remedy"),
    [
        ("*", "which is not one origin", "write one such as https://chat.example.org for each"),
        ("https://*.example.org", "which is not one origin", "for each web page"),
        ("null", "which any file and sandboxed page has", "serve the page by http"),
        ("https://a.org/", "not as browsers send an origin", "write https://a.org"),
        ("https://a.org/chat?x=1", "not as browsers send an origin", "write https://a.org"),
        ("https://A.org", "not as browsers send an origin", "write https://a.org"),
        ("https://a.org:443", "and browsers leave out that port", "write https://a.org"),
        ("http://a.org:80/", "and browsers leave out that port", "write http://a.org"),
        ("https://büro.example", "which has letters that browsers encode", "as xn--…"),
        ("a.org", "not an origin", "write one such as https://chat.example.org"),
        ("https://a.org b", "not an origin", "write one such as"),
        ("https://u:p@a.org", "not an origin", "write one such as"),
        ('https://a"; return 200', "not an origin", "write one such as"),
        ("", "not an origin", "write one such as"),
    ],
)
def test_what_no_browser_sends_is_refused(origin: str, what: str, remedy: str) -> None:
    (found,) = check_origins({"gateway_cors_origins": ["https://good.org", origin]})
    assert found.startswith("gateway_cors_origins[1] is ")
    assert f", {what}; " in found or f" {what}; " in found
    assert remedy in found.rpartition("; ")[2]


def test_a_browser_cannot_ask_where_a_certificate_is_required() -> None:
    values = {
        "gateway_cors_origins": ["https://a.org"],
        "gateway_client_certificate_required": True,
    }
    (found,) = check_origins(values)
    assert "a browser asks first without a certificate; delete gateway_cors_origins, or" in found
