"""A real process on a real socket: readiness, drain, cut streams, dropped clients, faults."""

from __future__ import annotations

import http.client
import json
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.support.emulator import events
from tests.support.emulator_process import MODEL, Running, environment, running

LONG: dict[str, Any] = {"inputs": "Tell me a story.", "parameters": {"max_new_tokens": 12}}


@pytest.fixture(scope="module")
def server() -> Iterator[Running]:
    with running() as started:
        yield started


@pytest.fixture(autouse=True)
def healed(request: pytest.FixtureRequest) -> Iterator[None]:
    yield
    if "server" in request.fixturenames:
        request.getfixturevalue("server").fault("clear")


def test_tokens_arrive_one_by_one(server: Running) -> None:
    server.fault("set", "slow-token=0.03")
    began = time.monotonic()
    times, text = [], ""
    with httpx.stream("POST", f"{server.url}/generate_stream", json=LONG) as answer:
        for chunk in answer.iter_text():
            times.append(time.monotonic() - began)
            text += chunk
    assert len(events(text)) == 12
    assert len(times) >= 8
    assert times[-1] - times[0] > 0.25


def test_a_cut_stream_is_a_protocol_error(server: Running) -> None:
    server.fault("set", "stream-cut=2")
    for path, body in (
        ("/generate_stream", LONG),
        ("/v1/completions", {"prompt": "Tell me a story.", "stream": True}),
    ):
        text = ""
        with (
            pytest.raises(httpx.RemoteProtocolError),
            httpx.stream("POST", f"{server.url}{path}", json=body) as answer,
        ):
            for chunk in answer.iter_text():
                text += chunk
        assert len(events(text)) == 2


def test_a_client_that_leaves_stops_the_generation(server: Running) -> None:
    server.fault("set", "slow-token=0.3")
    many = {**LONG, "parameters": {"max_new_tokens": 150}}
    for path in ("/generate_stream", "/generate"):
        with pytest.raises(httpx.ReadTimeout):
            httpx.post(f"{server.url}{path}", json=many, timeout=0.1).raise_for_status()
    dropped = 'tgi_request_failure{err="dropped"} 2'
    deadline = time.monotonic() + 3
    while dropped not in (text := httpx.get(f"{server.url}/metrics").text):
        assert time.monotonic() < deadline, text
        time.sleep(0.05)
    assert "tgi_batch_current_size 0" in text


def test_faults_change_while_it_runs(server: Running) -> None:
    assert "no-generate" in server.fault("list")
    assert server.fault("set", "no-generate", "wrong-model=x/y").splitlines() == [
        "active: no-generate",
        "active: wrong-model=x/y",
    ]
    assert httpx.post(f"{server.url}/generate", json=LONG).status_code == 424
    assert server.fault("clear", "no-generate") == "active: wrong-model=x/y\n"
    assert httpx.get(f"{server.url}/info").json()["model_id"] == "x/y"
    assert httpx.post(f"{server.url}/generate", json=LONG).status_code == 200
    assert server.fault("clear") == ""


def test_no_server_header_and_kept_alive(server: Running) -> None:
    host = server.url.removeprefix("http://")
    connection = http.client.HTTPConnection(host)
    for _ in range(2):
        connection.request("GET", "/health")
        answer = connection.getresponse()
        assert (answer.status, answer.read()) == (200, b"")
        assert answer.getheader("server") is None


def test_http_1_0_gets_its_stream_too(server: Running) -> None:
    host, port = server.url.removeprefix("http://").split(":")
    body = json.dumps(LONG).encode()
    with socket.create_connection((host, int(port)), 5) as plain:
        plain.sendall(
            b"POST /generate_stream HTTP/1.0\r\ncontent-type: application/json\r\n"
            b"content-length: %d\r\n\r\n%s" % (len(body), body)
        )
        raw = b"".join(iter(lambda: plain.recv(65536), b""))
    head, _, rest = raw.partition(b"\r\n\r\n")
    assert b"200" in head.splitlines()[0]
    assert len(events(rest.decode())) == 12


def test_a_body_over_the_limit_is_answered(server: Running) -> None:
    answer = httpx.post(f"{server.url}/generate", json={"inputs": "x" * 3_000_000})
    assert answer.status_code == 413


def test_sigterm_drains_and_ends_with_0() -> None:
    with running() as server:
        server.fault("set", "slow-token=0.1")
        text = ""
        with httpx.stream("POST", f"{server.url}/generate_stream", json=LONG) as answer:
            chunks = answer.iter_text()
            text += next(chunks)
            server.process.send_signal(signal.SIGTERM)
            time.sleep(0.4)
            with pytest.raises(httpx.ConnectError):
                httpx.get(f"{server.url}/health")
            assert server.process.poll() is None
            text += "".join(chunks)
        assert events(text)[-1]["generated_text"]
        assert server.wait() == 0
        output = server.output[-1]
    assert "signal received, starting graceful shutdown" in output
    assert "Terminating webserver" in output


def test_the_drain_has_a_limit() -> None:
    with running("--graceful-termination-timeout", "1") as server:
        server.fault("set", "hang")
        with httpx.stream("POST", f"{server.url}/generate_stream", json=LONG) as answer:
            assert answer.status_code == 200
            server.process.send_signal(signal.SIGTERM)
            assert server.wait() == 0
        assert "Killing webserver" in server.output[-1]


def test_nothing_listens_before_it_is_ready_and_sigterm_then_is_clean() -> None:
    slow = {"TGI_EMULATOR_PHASE_SECONDS": "download=0,load=30,warmup=0"}
    with running() as ready:
        port = ready.url.rpartition(":")[2]
        assert httpx.get(f"{ready.url}/health").status_code == 200
    with tempfile.TemporaryDirectory() as name:
        process = subprocess.Popen(
            [sys.executable, "-m", "tgi_emulator.launcher", "--model-id", MODEL, "--port", port],
            cwd=name, env=environment(Path(name), slow), text=True,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
        )  # fmt: skip
        assert process.stdout is not None
        seen = ""
        while "Starting shard" not in seen:
            seen = process.stdout.readline()
            assert seen, "ended early"
        with pytest.raises(httpx.ConnectError):
            httpx.get(f"http://127.0.0.1:{port}/health")
        process.terminate()
        process.communicate(timeout=5)
        assert process.returncode == 0
