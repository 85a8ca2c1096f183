"""Faults that only a real process shows: a restart, a place that is not given back, delays."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from tests.support.emulator import events
from tests.support.emulator_process import Running, running

STORY: dict[str, Any] = {"inputs": "Tell me a story.", "parameters": {"max_new_tokens": 150}}
SHORT: dict[str, Any] = {"inputs": "Tell me a story.", "parameters": {"max_new_tokens": 24}}


@pytest.fixture(scope="module")
def server() -> Iterator[Running]:
    with running(env={"TGI_EMULATOR_TOKEN_SECONDS": "0.01"}) as started:
        yield started


@pytest.fixture(autouse=True)
def healed(request: pytest.FixtureRequest) -> Iterator[None]:
    yield
    if "server" in request.fixturenames:
        request.getfixturevalue("server").fault("clear")


def batch(server: Running) -> int:
    """The engine's own gauge of running generations."""
    lines = httpx.get(f"{server.url}/metrics").text.splitlines()
    sizes = [line.split()[1] for line in lines if line.startswith("tgi_batch_current_size ")]
    return int(sizes[0]) if sizes else 0


def wait_for_batch(server: Running, size: int, seconds: float) -> bool:
    deadline = time.monotonic() + seconds
    while batch(server) != size:
        if time.monotonic() > deadline:
            return False
        time.sleep(0.05)
    return True


def leave_after_three(server: Running) -> None:
    with httpx.stream("POST", f"{server.url}/generate_stream", json=STORY) as answer:
        seen = 0
        for chunk in answer.iter_text():
            seen += chunk.count("data: ")
            if seen >= 3:
                break


def reads(server: Running, body: dict[str, Any]) -> tuple[list[float], str]:
    """Return (seconds since the request of each piece of a stream, the whole stream)."""
    began, times, text = time.monotonic(), [], ""
    with httpx.stream("POST", f"{server.url}/generate_stream", json=body) as answer:
        for chunk in answer.iter_text():
            times.append(time.monotonic() - began)
            text += chunk
    return times, text


def test_a_restart_comes_back_as_a_new_process_under_the_same_id() -> None:
    with running() as server:
        for _ in range(3):
            httpx.post(f"{server.url}/generate", json=SHORT).raise_for_status()
        assert "tgi_request_success 3" in httpx.get(f"{server.url}/metrics").text
        server.fault("set", "restart")
        answer = httpx.post(f"{server.url}/generate", json=SHORT)
        assert answer.json()["generated_text"]
        with pytest.raises(httpx.ConnectError):
            httpx.get(f"{server.url}/health")
        refused, deadline = 0, time.monotonic() + 20
        while True:
            try:
                fresh = httpx.get(f"{server.url}/metrics", timeout=5)
                if refused:
                    break
            except httpx.TransportError:
                refused += 1
            assert time.monotonic() < deadline
            time.sleep(0.02)
        assert refused
        assert "tgi_request_success" not in fresh.text
        assert server.process.poll() is None
        assert server.fault("set", "slow-token=0") == "active: slow-token=0\n", "only once"
        httpx.post(f"{server.url}/generate", json=SHORT).raise_for_status()
        assert "tgi_request_success 1" in httpx.get(f"{server.url}/metrics").text
        os.kill(server.process.pid, signal.SIGTERM)
        assert server.wait() == 0
        assert server.output[-1].count("Connected") == 2


def test_a_restart_cuts_what_does_not_end_by_itself() -> None:
    with running() as server:
        server.fault("set", "slow-token=0.2", "restart")
        with httpx.stream("POST", f"{server.url}/generate_stream", json=STORY) as long:
            pieces = long.iter_text()
            next(pieces)
            one = {"inputs": "x", "parameters": {"max_new_tokens": 1}}
            httpx.post(f"{server.url}/generate", json=one).raise_for_status()
            with pytest.raises(httpx.TransportError):
                list(pieces)


def test_no_cancel_keeps_the_place_of_a_client_that_left(server: Running) -> None:
    leave_after_three(server)
    assert wait_for_batch(server, 0, 1.0)
    server.fault("set", "no-cancel=60")
    leave_after_three(server)
    assert not wait_for_batch(server, 0, 1.5)
    assert batch(server) == 1
    server.fault("clear")
    assert wait_for_batch(server, 0, 10)


def test_no_cancel_ends_with_the_generation(server: Running) -> None:
    server.fault("set", "no-cancel=0")
    assert len(events(reads(server, SHORT)[1])) == 24
    assert batch(server) == 0
    refused = httpx.post(f"{server.url}/generate", json={"inputs": ""})
    assert refused.status_code == 422


def test_slow_first_delays_the_first_token_only(server: Running) -> None:
    healthy, _ = reads(server, SHORT)
    server.fault("set", "slow-first=0.6")
    slow, text = reads(server, SHORT)
    assert slow[0] >= 0.6 > healthy[0]
    assert len(events(text)) == 24
    assert slow[-1] - slow[0] < slow[0] + healthy[-1]


def test_hang_after_begins_with_the_age_of_the_process(server: Running) -> None:
    server.fault("set", "hang-after=600")
    httpx.post(f"{server.url}/generate", json=SHORT).raise_for_status()
    server.fault("set", "hang-after=0")
    with pytest.raises(httpx.ReadTimeout):
        httpx.post(f"{server.url}/generate", json=SHORT, timeout=0.5)
    assert httpx.get(f"{server.url}/health").status_code == 200


def test_slower_slows_each_token_over_all_requests(server: Running) -> None:
    eight = {**SHORT, "parameters": {"max_new_tokens": 8}}
    server.fault("set", "slower=0.02")
    first, second = (reads(server, eight)[0][-1] for _ in range(2))
    assert first >= 0.02 * sum(range(1, 9))
    assert second >= 0.02 * sum(range(9, 17))

    def anew() -> float:
        server.fault("clear")
        reads(server, eight)
        server.fault("set", "slower=0.02")
        return float(reads(server, eight)[0][0])

    # A busy machine may hold up a single try
    assert any(anew() < 0.02 * 9 for _ in range(5)), "once healed, it begins anew"


def test_slow_health_delays_health_only(server: Running) -> None:
    server.fault("set", "slow-health=0.5")

    def seconds(path: str) -> float:
        began = time.monotonic()
        assert httpx.get(f"{server.url}{path}").status_code == 200
        return time.monotonic() - began

    # The best of some tries: a busy machine may hold up a single one
    assert min(seconds("/info") for _ in range(5)) < 0.5 <= seconds("/health")


def test_merged_events_arrive_in_groups(server: Running) -> None:
    server.fault("set", "slow-token=0.05")
    one_by_one, healthy = reads(server, SHORT)
    server.fault("set", "merged-events=8")
    merged, text = reads(server, SHORT)
    assert len(merged) == 3
    assert len(one_by_one) > 16
    assert len(events(text)) == len(events(healthy)) == 24
