"""Probe real sockets."""

from __future__ import annotations

import contextlib
import json
import socket
import threading
import time
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
from ansible.module_utils.tgi.readiness.probe import label_of, probe, probe_all

Answers = dict[str, tuple[int, Any]]
TOKEN = {"generated_text": " there", "details": {"generated_tokens": 1, "finish_reason": "length"}}
Serve = Callable[..., str]


@pytest.fixture
def serve() -> Iterator[Serve]:
    """Start a server with these answers by path; return its URL."""
    servers = []

    def start(
        answers: Answers,
        delay: float = 0,
        asked: list[Any] | None = None,
        together: threading.Barrier | None = None,
    ) -> str:
        class Handler(BaseHTTPRequestHandler):
            def _answer(self) -> None:
                size = int(self.headers.get("Content-Length") or 0)
                if asked is not None:
                    asked.append((self.command, self.path, self.rfile.read(size)))
                status, body = answers[self.path]
                if self.command == "POST":
                    time.sleep(delay)
                    if together:
                        together.wait()
                raw = body if isinstance(body, bytes) else json.dumps(body).encode()
                self.send_response(status)
                self.send_header("Content-Length", str(len(raw)))
                self.end_headers()
                with contextlib.suppress(BrokenPipeError):
                    self.wfile.write(raw)

            do_GET = do_POST = _answer

            def log_message(self, *_: Any) -> None: ...

        server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        server.daemon_threads = True
        threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        servers.append(server)
        return f"http://127.0.0.1:{server.server_address[1]}"

    yield start
    for server in servers:
        server.shutdown()
        server.server_close()


def test_ready_is_one_generated_token(serve: Serve) -> None:
    asked: list[Any] = []
    seen = probe(serve({"/health": (200, b""), "/generate": (200, TOKEN)}, asked=asked), 5)
    assert seen.ready
    assert seen.listening
    (health, generate) = asked
    assert health[:2] == ("GET", "/health")
    assert generate[:2] == ("POST", "/generate")
    assert json.loads(generate[2])["parameters"]["max_new_tokens"] == 1


def test_a_path_in_the_url_is_kept(serve: Serve) -> None:
    url = serve({"/models/m/health": (200, b""), "/models/m/generate": (200, TOKEN)})
    assert probe(f"{url}/models/m/", 5).ready


@pytest.mark.parametrize(
    ("status", "body", "words"),
    [
        (424, {"error": "Request failed: CUDA error", "error_type": "generation"}, "424: Request"),
        (429, {"error": "Model is overloaded", "error_type": "overloaded"}, "429: Model is over"),
        (500, b"", "500 with an empty body"),
        (404, b"<html>nginx</html>", "404: <html>nginx"),
        (401, {"error": {"message": "no key", "code": 1}}, "401: no key"),
        (200, b"<html>hello</html>", "200: <html>"),
        (200, {"choices": []}, "200: "),
        (200, [TOKEN], "200: "),
        (200, {"generated_text": None}, "200: "),
        (200, {"generated_text": ""}, "200: "),
        (200, {"generated_text": "x", "details": {"generated_tokens": 0}}, "200: "),
        (200, b"\xff\xfe\x00garbage", "200: "),
    ],
)
def test_healthy_but_not_generating(serve: Serve, status: int, body: Any, words: str) -> None:
    seen = probe(serve({"/health": (200, b""), "/generate": (status, body)}), 5)
    assert not seen.ready
    assert seen.healthy
    assert seen.listening
    assert f"POST /generate answered {words}" in seen.detail


def test_an_end_of_text_token_counts(serve: Serve) -> None:
    body = {"generated_text": "", "details": {"generated_tokens": 1}}
    assert probe(serve({"/health": (200, b""), "/generate": (200, body)}), 5).ready


@pytest.mark.parametrize(
    ("status", "body", "listening"),
    [
        (502, b"<html>Bad Gateway</html>", False),
        (504, b"", False),
        (503, {"error": {"message": "Loading model"}}, False),
        (503, {"error": "unhealthy", "error_type": "healthcheck"}, True),
        (404, b"", True),
    ],
)
def test_health_other_than_200(serve: Serve, status: int, body: Any, listening: bool) -> None:
    seen = probe(serve({"/health": (status, body)}), 5)
    assert (seen.ready, seen.healthy, seen.listening) == (False, False, listening)
    assert f"GET /health answered {status}" in seen.detail


def test_a_secret_that_a_server_echoes_is_not_kept(serve: Serve) -> None:
    body = {"error": "token hf_SESAMEsesameSESAME is bad"}
    seen = probe(serve({"/health": (200, b""), "/generate": (424, body)}), 5)
    assert "SESAME" not in seen.detail


def test_no_answer_in_time(serve: Serve) -> None:
    seen = probe(serve({"/health": (200, b""), "/generate": (200, TOKEN)}, delay=30), 1.5)
    assert seen.late
    assert seen.healthy
    assert seen.detail == "POST /generate did not answer within 1.5 s"


def _once(behave: Callable[[socket.socket], object]) -> str:
    listener = socket.create_server(("127.0.0.1", 0))

    def run() -> None:
        peer, _ = listener.accept()
        with peer:
            behave(peer)
        listener.close()

    threading.Thread(target=run, daemon=True).start()
    return f"http://127.0.0.1:{listener.getsockname()[1]}"


def test_refused_means_loading() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    seen = probe(f"http://127.0.0.1:{port}", 5)
    assert not seen.listening
    assert "refused" in seen.detail


def test_accepted_and_dropped_means_loading() -> None:
    """Docker's proxy accepts and drops while the container does not listen."""
    assert not probe(_once(lambda _: None), 5).listening
    assert not probe(_once(lambda peer: peer.recv(9)), 5).listening


def test_not_http_is_no_traceback() -> None:
    def garbage(peer: socket.socket) -> None:
        peer.recv(99)
        peer.sendall(b"\x00\x01 SSH-2.0\r\n\r\n")

    seen = probe(_once(garbage), 5)
    assert not seen.ready
    assert seen.detail


def test_many_at_once_and_one_that_trickles(serve: Serve) -> None:
    def trickle(peer: socket.socket) -> None:
        peer.recv(99)
        peer.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n")
        with contextlib.suppress(OSError):
            for _ in range(600):
                time.sleep(0.1)
                peer.sendall(b"x")

    # No request is answered before all eight have come: one after the other would time out
    together = threading.Barrier(8, timeout=60)
    good = serve({"/health": (200, b""), "/generate": (200, TOKEN)}, together=together)
    asked = {f"m{i}": (good, 60.0) for i in range(8)} | {"slow": (_once(trickle), 0.3)}
    seen = probe_all(asked)
    assert all(seen[f"m{i}"].ready for i in range(8))
    assert not seen["slow"].ready
    assert "did not end in time" in seen["slow"].detail


@pytest.mark.parametrize(
    ("answer", "label"),
    [
        ((200, {"docker_label": "sha-dfb3fbe"}), "sha-dfb3fbe"),
        ((200, {"docker_label": None}), ""),
        ((200, ["sha-dfb3fbe"]), ""),
        ((200, b"<html>"), ""),
        ((503, {"docker_label": "sha-dfb3fbe"}), ""),
    ],
)
def test_the_label_of_the_image(serve: Serve, answer: tuple[int, Any], label: str) -> None:
    assert label_of(serve({"/info": answer}), 5) == label


def test_no_label_of_a_port_that_is_closed() -> None:
    assert label_of("http://127.0.0.1:1", 5) == ""
