"""Read TGI's answers to the two requests for readiness."""

from __future__ import annotations

import pytest
from ansible.module_utils.tgi.engines.tgi.one_token import from_engine, generated


@pytest.mark.parametrize(
    ("status", "body", "own"),
    [
        (200, b"", True),
        (503, b'{"error": "unhealthy", "error_type": "healthcheck"}', True),
        (503, b"<html>Service Unavailable</html>", False),
        (502, b"", False),
        (504, b"healthcheck", False),
        (404, b"", True),
    ],
)
def test_an_answer_of_a_proxy_is_not_the_engines(status: int, body: bytes, own: bool) -> None:
    assert from_engine(status, body) is own


@pytest.mark.parametrize(
    ("body", "token"),
    [
        (b'{"generated_text": " there", "details": {"generated_tokens": 1}}', True),
        (b'{"generated_text": "", "details": {"generated_tokens": 1}}', True),
        (b'{"generated_text": " there", "details": {"generated_tokens": 0}}', False),
        (b'{"generated_text": " there"}', True),
        (b'{"generated_text": ""}', False),
        (b'{"generated_text": null}', False),
        (b"[]", False),
        (b"<html>", False),
    ],
)
def test_only_a_generated_token_counts(body: bytes, token: bool) -> None:
    assert generated(body) is token
