"""Test answers that are damaged or hostile: each is one sentence, and costs little memory."""

from __future__ import annotations

import http.server
import json
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from ansible.module_utils.tgi.weights.hub_connection import HubSource
from ansible.module_utils.tgi.weights.hub_problem import HubProblem
from ansible.module_utils.tgi.weights.snapshot_fetch import fetch
from ansible.module_utils.tgi.weights.snapshot_look import SnapshotWish
from ansible.module_utils.tgi.weights.snapshot_store import SnapshotStore

from tests.support.hub.weight_sites import NAME, REVISION

Answer = tuple[int, dict[str, str], bytes]
TOKEN = "hf_secret"


class Liar:
    """A server that gives one answer to all; ``asked`` has path and token of each request."""

    def __init__(self) -> None:
        self.answer: Callable[[str], Answer] = lambda _: (200, {}, b"[]")
        self.asked: list[tuple[str, str]] = []
        self.endpoint = ""


@pytest.fixture
def liar() -> Iterator[Liar]:
    told = Liar()

    class Handler(http.server.BaseHTTPRequestHandler):
        def log_message(self, *_: object) -> None:
            """Say nothing."""

        def do_GET(self) -> None:
            told.asked.append((self.headers["Host"], self.headers.get("Authorization", "")))
            status, headers, body = told.answer(self.path)
            self.send_response(status)
            for name, value in headers.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(body)

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        told.endpoint = f"http://127.0.0.1:{server.server_address[1]}"
        thread = threading.Thread(target=server.serve_forever, args=(0.02,))
        thread.start()
        yield told
        server.shutdown()
        thread.join()


def refused(liar: Liar, cache: Path, token: str = TOKEN) -> str:
    wish = SnapshotWish(NAME, REVISION, HubSource(liar.endpoint, token), reserve=0)
    with pytest.raises(HubProblem) as caught:
        fetch(SnapshotStore(cache, NAME, REVISION), wish, lambda _: None)
    assert "hf_secret" not in str(caught.value)
    return str(caught.value)


@pytest.mark.parametrize(
    "where",
    ["file:///etc/shadow", "ftp://127.0.0.1/x", "http://127.0.0.1:bad/", "http://[::1/", "//"],
)
def test_a_redirect_to_no_web_server_is_refused(liar: Liar, tmp_path: Path, where: str) -> None:
    liar.answer = lambda _: (302, {"Location": where, "Content-Length": "0"}, b"")
    assert "cannot be" in refused(liar, tmp_path)


def test_a_redirect_elsewhere_gets_no_token(liar: Liar, tmp_path: Path) -> None:
    port = liar.endpoint.rpartition(":")[2]
    other = f"http://localhost:{port}/"
    led = {"Location": other, "Content-Length": "0"}
    liar.answer = lambda path: (401 if path == "/" else 302, led, b"")
    refused(liar, tmp_path)
    assert ("127.0.0.1:" + port, f"Bearer {TOKEN}") in liar.asked
    assert [token for host, token in liar.asked if host.startswith("localhost")] == [""]


@pytest.mark.parametrize(
    "body",
    [
        b"[" * 100_000,
        b'["a", "b"]',
        b'[{"type": "file", "path": "a.json", "size": 1, "oid": "%s", "lfs": "x"}]' % (b"a" * 40),
        b'[{"type": "file", "path": "m.safetensors", "size": %s, "oid": "%s"}]'
        % (b"9" * 400, b"a" * 40),
        b'[{"type": "file", "path": "a.json", "oid": "%s"}]' % (b"a" * 40),
        b"null",
        b"\xff\xfe",
    ],
)
def test_a_damaged_list_is_one_sentence(liar: Liar, tmp_path: Path, body: bytes) -> None:
    liar.answer = lambda _: (200, {"Content-Length": str(len(body))}, body)
    assert f"{NAME}@{REVISION[:12]} " in refused(liar, tmp_path)


def test_a_list_without_end_is_given_up(liar: Liar, tmp_path: Path) -> None:
    page = json.dumps([{"type": "file", "path": "x.json", "size": 1, "oid": "a" * 40}]).encode()
    more = {"Link": '</api/next>; rel="next"', "Content-Length": str(len(page))}
    liar.answer = lambda _: (200, more, page)
    assert "has a list of files without end" in refused(liar, tmp_path)


@pytest.mark.parametrize("told", [True, False])
def test_a_list_that_is_too_large_is_refused_at_once(
    liar: Liar, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, told: bool
) -> None:
    monkeypatch.setattr("ansible.module_utils.tgi.weights.hub_client.MOST_TEXT", 1000)
    body = b"[" + b" " * 2000 + b"]"
    length = {"Content-Length": str(len(body))} if told else {}
    liar.answer = lambda _: (200, length, body)
    assert "is larger than" in refused(liar, tmp_path)
    assert len(liar.asked) == 1, "it would be as large again"
