"""Test what copying does to secrets."""

from __future__ import annotations

import secrets

import pytest
from ansible.module_utils.tgi.preflight.secrets import check_secret


@pytest.mark.parametrize(
    "text",
    [
        "REPLACE_ME",
        "replace-me-with-a-key",
        "CHANGEME",
        "changeit",
        "hf_xxxxxxxxxxxx",
        "hf_your_token_here",
        "sk-...",
        "<token>",
        "${HF_TOKEN}",
        "YOUR-API-KEY",
        "********",
        "TODO: ask Anna",
        "http://me:changeme@proxy.example.org:3128",
    ],
)
def test_placeholders(text: str) -> None:
    (line,) = check_secret(text, "x")
    assert line == "x is a placeholder; write the secret, in a vault file"


@pytest.mark.parametrize("text", ["hf_a\n", " hf_a", "a\nb", "a\r\n", "\ta"])
def test_what_echo_and_copying_add(text: str) -> None:
    (line,) = check_secret(text, "x")
    assert line.startswith("x has a line break, or blanks around it; write it in one line")
    assert "hf_a" not in line


def test_real_ones_pass() -> None:
    made = [secrets.token_hex(32), secrets.token_urlsafe(32), "a b", "", None, 5]
    pem = "-----BEGIN PRIVATE KEY-----\nAA==\n-----END PRIVATE KEY-----\n"
    for text in [*made, pem, "hf_" + "aB3" * 11, "http://proxy:3128", "http://me:s3cr@proxy:3128"]:
        assert list(check_secret(text, "x")) == []
