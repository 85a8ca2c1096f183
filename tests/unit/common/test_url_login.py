"""Test which passwords of proxies need percent-encoding."""

from __future__ import annotations

from urllib.parse import quote, urlsplit

import pytest
from ansible.module_utils.tgi.common.url_login import login_problem


@pytest.mark.parametrize(
    ("password", "words"),
    [
        ("p#ss", "has # in its user or password"),
        ("p/ss", "has / in its user or password"),
        ("p?ss", "has ? in its user or password"),
        ("100%su", "has a % that begins no escape"),
        ("100%", "has a % that begins no escape"),
        ("p ss", "has a blank"),
    ],
)
def test_a_password_that_breaks_the_url(password: str, words: str) -> None:
    found = login_problem(f"http://u:{password}@proxy.example.org:3128")
    assert found.startswith(words)
    assert password not in found
    encoded = f"http://u:{quote(password, safe='')}@proxy.example.org:3128"
    assert login_problem(encoded) == ""
    assert urlsplit(encoded).hostname == "proxy.example.org"


@pytest.mark.parametrize(
    "proxy", ["http://proxy:3128/", "http://u:p@ss@proxy:3128", "socks5://u:p@[fd00::1]:1080"]
)
def test_what_every_program_reads_alike(proxy: str) -> None:
    assert login_problem(proxy) == ""
