"""Test the container's health check with the real curl, as Docker runs it."""

from __future__ import annotations

import http.server
import os
import subprocess
import threading
from collections.abc import Iterator

import pytest

from tests.support.render_compose import compose

CHECK = compose()["services"]["tgi"]["healthcheck"]["test"]


class Health(http.server.BaseHTTPRequestHandler):
    """Be TGI's /health, or a proxy: each says which of the two was asked."""

    asked: list[str]

    def do_GET(self) -> None:
        self.asked.append(self.path)
        self.send_response(200 if self.path == "/health" else 403)
        self.end_headers()

    def log_message(self, *_: object) -> None:
        """Print nothing."""


@pytest.fixture
def port() -> Iterator[int]:
    Health.asked = []
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Health) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield server.server_port
        server.shutdown()


@pytest.mark.parametrize("name", ["http_proxy", "all_proxy", "ALL_PROXY", "HTTP_PROXY"])
def test_it_never_asks_a_proxy(port: int, name: str) -> None:
    kind, *command = CHECK
    assert kind == "CMD", "Docker runs it without a shell"
    url = command[-1].replace(":80/", f":{port}/")
    given = {"PATH": os.environ["PATH"], name: f"http://127.0.0.1:{port}"}
    done = subprocess.run([*command[:-1], url], env=given, capture_output=True, timeout=60)
    assert (done.returncode, Health.asked) == (0, ["/health"]), done.stderr


def test_it_fails_where_nobody_listens() -> None:
    done = subprocess.run([*CHECK[1:-1], "http://127.0.0.1:9/health"], capture_output=True)
    assert done.returncode != 0
