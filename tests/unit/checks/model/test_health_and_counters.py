"""Test health, and the engine's counters as a sign of a restart."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import Any

import httpx
import pytest
from ansible.module_utils.tgi.checks import model_container
from ansible.module_utils.tgi.checks.model.health_and_counters import judge_health
from ansible.module_utils.tgi.checks.run import Options, check
from ansible.module_utils.tgi.client.answer import Answer
from ansible.module_utils.tgi.docker.compose_containers import Container, DockerError

from tests.support.checks.answers import reply, silent
from tests.support.in_memory_tgi import MODEL, InMemoryTgi


@pytest.mark.parametrize(
    ("answer", "problem", "soft"),
    [
        (Answer(200, {}, [], ms=3), "", False),
        (reply({"status": "ok"}), "", False),
        (Answer(200, {}, [], ms=1500), "only after 1500 ms", True),
        (reply("<html>welcome</html>"), "another server", False),
        (Answer(503, {}, []), "HTTP 503", False),
        (silent(), "connection refused", False),
    ],
)
def test_health(answer: Answer, problem: str, soft: bool) -> None:
    found = judge_health(answer)
    assert (problem in found.problem) if problem else not found.problem
    assert found.soft == soft


BOX = Container("a1", "tgi-1", "tgi", "running", 1.0, 2.0, 0.0, 0, "", False, 0)


def run(options: Options, fake: InMemoryTgi) -> dict[str, Any]:
    report = asyncio.run(check(replace(options, transport=fake.transport())))
    return {one.id: one for one in report.checks}


def test_a_container_that_was_restarted_is_seen_by_docker(monkeypatch: pytest.MonkeyPatch) -> None:
    looks = iter([BOX, *[replace(BOX, restarts=1)] * 9])
    asked: list[str] = []

    async def find(project: str) -> Container | None:
        asked.append(project)
        return next(looks)

    monkeypatch.setattr(model_container, "find", find)
    options = Options("direct", "x", [replace(MODEL, project="tgi-small")], select=["health"])
    found = run(options, InMemoryTgi())["health.after"]
    assert found.status == "fail" and "restart count 0, now 1" in found.observed
    assert set(asked) == {"tgi-small"}


@pytest.mark.parametrize(
    ("first", "then", "doubt"),
    [
        (BOX, BOX, ""),
        (None, None, "Docker has no container of the project tgi-small"),
        (BOX, DockerError("it has not answered"), "restarted: it has not answered"),
        (DockerError("no docker here"), BOX, "restarted: no docker here"),
    ],
)
def test_a_witness_that_could_not_be_asked_is_no_pass(
    monkeypatch: pytest.MonkeyPatch,
    first: model_container.Seen,
    then: model_container.Seen,
    doubt: str,
) -> None:
    looks = iter([first, *[then] * 9])

    async def find(_: str) -> model_container.Seen:
        return next(looks)

    monkeypatch.setattr(model_container, "find", find)
    options = Options("direct", "x", [replace(MODEL, project="tgi-small")], select=["health"])
    found = run(options, InMemoryTgi())["health.after"]
    assert found.status == ("warn" if doubt else "pass") and doubt in found.observed


def test_without_a_project_docker_is_not_asked() -> None:
    assert asyncio.run(model_container.find("")) is None


class Mute(InMemoryTgi):
    """Switch metrics off, as llama.cpp does by default."""

    async def handle(self, request: httpx.Request) -> httpx.Response:
        off = request.url.path == "/metrics"
        return httpx.Response(501) if off else await super().handle(request)


def test_metrics_that_are_off_are_a_warning_where_that_is_the_default() -> None:
    model = replace(MODEL, engine="llamacpp")
    found = run(Options("direct", "x", [model], select=["metrics"]), Mute())
    assert found["metrics.format"].status == found["metrics.delta"].status == "warn"
    assert found["metrics.format"].remedy == "Start the engine with --metrics"
    assert run(Options("direct", "x", [MODEL], select=["metrics"]), Mute())[
        "metrics.format"
    ].status == "fail"  # fmt: skip


def test_another_engines_families_are_missed() -> None:
    found = run(
        Options("direct", "x", [replace(MODEL, engine="vllm")], select=["metrics"]), InMemoryTgi()
    )
    assert "vllm:num_requests_running" in found["metrics.format"].observed
