"""Test the client with real sockets: broken exchanges, redirects, proxies, keys."""

from __future__ import annotations

import pytest
from ansible.module_utils.tgi.client import fixed_address
from ansible.module_utils.tgi.client import http_client as client_module
from ansible.module_utils.tgi.client.answer import Answer
from ansible.module_utils.tgi.client.http_client import Client, Target

from tests.support.fakes.socket_server import get, says

FAULTS = {
    "connection closed in the middle": says(b"HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nhalf"),
    "connection closed in the middle of": says(
        b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n4\r\nhalf\r\n"
    ),
    "connection closed without an answer": says(b""),
    "no answer within 0.3 s": says(b"", wait=2),
    "the answer is not valid HTTP": says(b"SSH-2.0-OpenSSH_9.2\r\n\r\n"),
    "body longer than": says(b"HTTP/1.1 200 OK\r\n\r\n" + b"x" * 2_100_000),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_faults_have_names(fault: str) -> None:
    timeout = 0.3 if "0.3 s" in fault else 30.0
    assert get(FAULTS[fault], timeout).fault.startswith(fault)


def test_refused() -> None:
    async def work() -> Answer:
        async with Client(Target("http://127.0.0.1:1")) as client:
            answer: Answer = await client.send("GET", "/")
            return answer

    assert fixed_address.run(work(), {}).fault == "connection refused"


def test_redirects_are_not_followed() -> None:
    moved = b"HTTP/1.1 308 Moved\r\nlocation: http://127.0.0.1:1/\r\ncontent-length: 0\r\n\r\n"
    assert get(says(moved)).status == 308


def test_proxy_variables_are_not_read(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("http_proxy", "HTTP_PROXY", "all_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:1")
    assert get(says(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n")).status == 200


def test_a_limited_request_is_asked_once_more_and_says_so() -> None:
    answer = get(says(b"HTTP/1.1 429 No\r\nretry-after: 0\r\ncontent-length: 0\r\n\r\n"))
    assert (answer.status, answer.attempts) == (429, 2)


def test_a_key_is_sent_only_when_there_is_one() -> None:
    client = Client(Target("http://127.0.0.1:1", api_key="sk-something"))
    own = client._request("GET", "/", None, client_module.OWN_KEY, {})
    none = client._request("GET", "/", None, None, {})
    bare = Client(Target("http://127.0.0.1:1"))._request("GET", "/", None, "\0own", {})
    assert own.headers["authorization"] == "Bearer sk-something"
    assert "authorization" not in none.headers and "authorization" not in bare.headers
