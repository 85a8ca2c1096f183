"""Test a container that lost its GPUs while it serves on."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import Any

import pytest
from ansible.module_utils.tgi.checks import model_container
from ansible.module_utils.tgi.checks.model.gpu_access import judge_access
from ansible.module_utils.tgi.checks.run import Options, check
from ansible.module_utils.tgi.checks.selection import Model
from ansible.module_utils.tgi.docker.compose_containers import Container

from tests.support.in_memory_tgi import MODEL, InMemoryTgi

ONE = "GPU 0: NVIDIA L4 (UUID: GPU-51a10000-0000-4000-8000-000000000000)\n"
SLICES = (
    "GPU 0: NVIDIA A100-SXM4-80GB (UUID: GPU-9434a402)\n"
    "  MIG 1g.10gb     Device  0: (UUID: MIG-e138a708)\n"
)
LOST = "Failed to initialize NVML: Unknown Error\n"
GIVEN = replace(MODEL, project="tgi-small", gpus=("0",))
BOX = Container("abc", "tgi-small-tgi-1", "tgi-small", "running", 1.0, 1.0, 0.0, 0, "", False, 0)


@pytest.mark.parametrize(
    ("given", "code", "said", "problem", "soft"),
    [
        (1, 0, ONE, "", False),
        (1, 0, SLICES, "", False),
        (2, 0, ONE + ONE.replace("GPU 0", "GPU 1"), "", False),
        (2, 0, ONE, "1 of 2: GPU 0", False),
        (1, 14, ONE + "WARNING: infoROM is corrupted at gpu 0000:3B:00.0\n", "", False),
        (2, 14, ONE + "WARNING: infoROM is corrupted at gpu 0000:3B:00.0\n", "1 of 2: GPU", False),
        (1, 255, LOST, "0 of 1: Failed to initialize NVML: Unknown Error", False),
        (1, 6, "No devices were found\n", "0 of 1: No devices were found", False),
        (1, 9, "", "0 of 1: exit 9", False),
        (
            1,
            127,
            "exec: nvidia-smi: not found",
            "cannot run nvidia-smi in the container: exec",
            True,
        ),
        (
            1,
            -1,
            "Docker has not answered within 30 s",
            "cannot run nvidia-smi in the container: Docker",
            True,
        ),
    ],
)
def test_what_a_new_process_sees(
    given: int, code: int, said: str, problem: str, soft: bool
) -> None:
    found = judge_access(given, code, said)
    assert found.problem.startswith(problem)
    assert bool(found.problem) == bool(problem)
    assert found.soft is soft


def run(monkeypatch: pytest.MonkeyPatch, model: Model, said: tuple[int, str]) -> Any:
    async def find(_project: str) -> Container:
        return BOX

    async def visible(container: Container) -> tuple[int, str]:
        assert container is BOX
        return said

    monkeypatch.setattr(model_container, "find", find)
    monkeypatch.setattr(model_container, "visible", visible)
    options = Options("direct", "x", [model], transport=InMemoryTgi().transport())
    return asyncio.run(check(options))


def test_it_is_red_where_all_else_is_green(monkeypatch: pytest.MonkeyPatch) -> None:
    report = run(monkeypatch, GIVEN, (255, LOST))
    (red,) = report.of("fail", "error")
    assert red.id == "gpu.access"
    assert "docker restart" in red.remedy
    assert run(monkeypatch, GIVEN, (0, ONE)).passed


@pytest.mark.parametrize("change", [{"gpus": ()}, {"project": ""}])
def test_without_a_gpu_there_is_nothing_to_ask(
    monkeypatch: pytest.MonkeyPatch, change: dict[str, Any]
) -> None:
    report = run(monkeypatch, replace(GIVEN, **change), (255, LOST))
    assert report.passed
    assert "gpu.access" in {one.id for one in report.left_out}
