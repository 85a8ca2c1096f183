"""Test that no message shows a login."""

from __future__ import annotations

import pytest
from ansible.module_utils.tgi.common.problem import problem, shown

DIGEST = "@sha256:" + "0" * 8


@pytest.mark.parametrize(
    ("value", "seen"),
    [
        ("http://me:w0rd@proxy:3128", "http://***@proxy:3128"),
        ("http://me:w0/rd@x@proxy", "http://***@proxy"),
        ("https://w0rd@hub.example.org/x", "https://***@hub.example.org/x"),
        (f"me:w0rd@r.example.org/tgi{DIGEST}", f"***@r.example.org/tgi{DIGEST}"),
        (f"ghcr.io/a/b:3{DIGEST}", f"ghcr.io/a/b:3{DIGEST}"),
        (f"r.example.org:5000/b:3{DIGEST}", f"r.example.org:5000/b:3{DIGEST}"),
        (f"docker://r:5000/tgi{DIGEST}", f"docker://r:5000/tgi{DIGEST}"),
        (f"docker://me:w0rd@r:5000/tgi{DIGEST}", f"docker://***@r:5000/tgi{DIGEST}"),
        ("https://hub.example.org/a", "https://hub.example.org/a"),
        ("ops@example.org", "ops@example.org"),
        ("fd00::1", "fd00::1"),
    ],
)
def test_a_login_is_shown_as_asterisks(value: str, seen: str) -> None:
    assert shown(value) == f'"{seen}"'
    assert problem("x", f"is {value}, not y", "write z") == f"x is {seen}, not y; write z"
