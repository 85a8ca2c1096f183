"""Connect to a fixed address under the server's own name."""

from __future__ import annotations

from tests.support.fakes.socket_server import NAME, get, says


def test_the_name_is_pinned_and_stays_the_name() -> None:
    answer = get(says(b"HTTP/1.1 200 OK\r\ncontent-length: 6\r\nX-Host: @HOST@\r\n\r\nhello!"))
    assert (answer.status, answer.body, answer.fault) == (200, b"hello!", "")
    assert answer.headers["x-host"].startswith(f"{NAME}:")
