"""How it ends while it serves: a lost shard, SIGTERM, a collector that does not answer."""

from __future__ import annotations

import http.client
import re
import signal
import socket
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.support.emulator import events
from tests.support.emulator_process import MODEL, PRINTED, Running, environment, running

STORY: dict[str, Any] = {"inputs": "Tell me a story.", "parameters": {"max_new_tokens": 150}}
BEGINS = {
    "download": "Download file: ", "load": "Starting shard", "warmup": "Warming up model",
}  # fmt: skip
TRANSPORT = "Request failed during generation: Server error: transport error"


def in_order(printed: str, *parts: str) -> bool:
    return re.search(".*".join(map(re.escape, parts)), printed, re.S) is not None


def stop(server: Running) -> float:
    """Send SIGTERM once it answers, expect exit code 0; return the seconds it took."""
    assert httpx.get(f"{server.url}/health").status_code == 200
    began = time.monotonic()
    server.process.send_signal(signal.SIGTERM)
    assert server.wait() == 0
    return time.monotonic() - began


def test_a_shard_that_is_killed() -> None:
    with running(env={"TGI_EMULATOR_TOKEN_SECONDS": "0.05"}) as server:
        pieces: list[str] = []
        started = threading.Event()

        def stream() -> None:
            with httpx.stream("POST", f"{server.url}/generate_stream", json=STORY) as answer:
                for piece in answer.iter_text():
                    pieces.append(piece)
                    started.set()

        reader = threading.Thread(target=stream)
        reader.start()
        assert started.wait(5)
        server.fault("set", "shard-crash=9")
        with httpx.Client() as client, httpx.Client() as other:
            assert other.get(f"{server.url}/health").status_code == 200
            began = time.monotonic()
            answer = client.post(f"{server.url}/generate", json=STORY)
            assert (answer.status_code, answer.json()["error"]) == (424, TRANSPORT)
            assert server.wait() == 1
        assert time.monotonic() - began < 1.5
        reader.join()
    assert events("".join(pieces))[-1] == {"error": TRANSPORT, "error_type": "generation"}
    assert in_order(
        server.output[-1],
        "shard-manager: text_generation_launcher: Shard complete standard error output:\n rank=0\n",
        "Shard process was signaled to shutdown with signal 9 rank=0", "Shard 0 crashed",
        "Terminating webserver", "webserver terminated", "Shutting down shards",
        "Error: ShardFailed\n",
    )  # fmt: skip


def test_health_is_bad_between_the_loss_and_the_end() -> None:
    with running() as server:
        server.fault("set", "shard-crash=9")
        assert httpx.get(f"{server.url}/health").status_code == 200
        assert httpx.post(f"{server.url}/generate", json=STORY).status_code == 424
        assert httpx.get(f"{server.url}/health").status_code == 503
        assert server.wait() == 1


def test_a_shard_that_ends_itself_after_an_error() -> None:
    with running() as server:
        server.fault("set", "shard-crash")
        answer = httpx.post(f"{server.url}/generate", json=STORY)
        assert "CUDA error: an illegal memory access" in answer.json()["error"]
        assert server.wait() == 1
    assert in_order(
        server.output[-1], "Method Prefill encountered an error.\nTraceback (most recent call",
        "\n> File ", "RuntimeError: CUDA error: ", "Shard 0 crashed",
    )  # fmt: skip
    assert "signaled" not in server.output[-1]


def test_a_shard_that_ends_after_some_seconds_without_a_request() -> None:
    with running(env={"TGI_EMULATOR_FAULTS": "die-after=1.5"}) as server:
        began = time.monotonic()
        httpx.post(f"{server.url}/generate", json=STORY).raise_for_status()
        assert server.wait() == 1
        assert time.monotonic() - began > 1
        # As Docker does, in the same container
        again = subprocess.run(
            server.process.args, cwd=server.folder, env=server.environment, text=True,
            capture_output=True, timeout=20, check=False,
        )  # fmt: skip
    assert again.returncode == 1
    for printed in (server.output[-1], again.stdout):
        assert in_order(
            printed, "Connected", "Method Prefill encountered an error.\nTraceback (most recent",
            "RuntimeError: CUDA error: ", "Shard 0 crashed", "Terminating webserver",
            "webserver terminated",
        )  # fmt: skip
    assert "Error: ShardFailed\n" in server.output[-1] and "Error: ShardFailed\n" in again.stderr


def test_shards_end_after_the_router() -> None:
    seconds = {"TGI_EMULATOR_PHASE_SECONDS": "download=0,load=0,warmup=0,stop=0.4"}
    with running(env=seconds) as server:
        assert stop(server) >= 0.4
        assert in_order(
            server.output[-1], "Terminating webserver", "signal received, starting graceful",
            "webserver terminated", "Shutting down shards", "Terminating shard rank=0",
            "Waiting for shard to gracefully shutdown rank=0", "shard terminated rank=0",
        )  # fmt: skip


def test_a_connection_that_is_kept_alive_is_closed_by_sigterm() -> None:
    with running() as server:
        kept = http.client.HTTPConnection(server.url.removeprefix("http://"))
        kept.request("GET", "/health")
        kept.getresponse().read()
        stop(server)
        with pytest.raises((http.client.RemoteDisconnected, ConnectionError)):
            kept.request("GET", "/health")
            kept.getresponse()


def test_a_collector_that_does_not_answer_holds_up_the_stop() -> None:
    seconds = {"TGI_EMULATOR_PHASE_SECONDS": "download=0,load=0,warmup=0,stop=0,collector=0.3"}
    with socket.create_server(("127.0.0.1", 0)) as free:
        endpoint = f"http://127.0.0.1:{free.getsockname()[1]}"
        answered = ["--otlp-endpoint", endpoint, "--graceful-termination-timeout", "3"]
        with running(*answered, env=seconds) as server:
            stop(server)
            assert "Killing" not in server.output[-1]
    with running(*answered, env=seconds) as server:
        assert httpx.get(f"{server.url}/health").status_code == 200
        server.process.send_signal(signal.SIGTERM)
        while "signal received" not in (server.folder / PRINTED).read_text():
            time.sleep(0.02)
        assert httpx.get(f"{server.url}/health").status_code == 200
        assert server.wait() == 0
    assert in_order(
        server.output[-1], "signal received, starting graceful shutdown", "Killing webserver",
        "webserver killed", "Terminating shard rank=0", "shard terminated rank=0",
    )  # fmt: skip


@pytest.mark.parametrize(
    ("phase", "parts"),
    [
        ("download", ("Terminating download", "download terminated")),
        ("load", ("Shutting down shards", "Terminating shard rank=0", "shard terminated rank=0")),
        ("warmup", ("Terminating webserver", "webserver terminated", "Shutting down shards",
                    "shard terminated rank=0")),
    ],
)  # fmt: skip
def test_a_start_that_is_stopped(phase: str, parts: tuple[str, ...], tmp_path: Path) -> None:
    slow = {"TGI_EMULATOR_PHASE_SECONDS": f"download=0,load=0,warmup=0,{phase}=30"}
    process = subprocess.Popen(
        [sys.executable, "-m", "tgi_emulator.launcher", "--model-id", MODEL],
        cwd=tmp_path, env=environment(tmp_path, slow), text=True, stdout=subprocess.PIPE,
    )  # fmt: skip
    assert process.stdout is not None
    printed = ""
    while BEGINS[phase] not in printed:
        printed += process.stdout.readline()
    process.terminate()
    printed += process.stdout.read()
    assert process.wait(5) == 0
    assert in_order(printed, *parts)
