"""Test where NVIDIA's toolkit is needed, and in which version."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from ansible.module_utils.tgi.common.commands import CommandResult
from ansible.module_utils.tgi.common.problem import UNKNOWN
from ansible.module_utils.tgi.host.nvidia.driver import Machine
from ansible.module_utils.tgi.host.nvidia.driver_verdict import judge_toolkit
from ansible.module_utils.tgi.preflight import on_host
from ansible.module_utils.tgi.preflight.toolkit_rules import check_toolkit as check_inventory

from tests.support.preflight.host_root import fake_root, release, request_for

NOT_RUNNING = "NVIDIA-SMI has failed because it couldn't communicate with the NVIDIA driver."
CPU = {"name": "house", "gpus": []}
GPU = {"name": "code"}


def check(enabled: Any, version: Any, *models: Any) -> list[str]:
    values = {
        "nvidia_container_toolkit_enabled": enabled,
        "nvidia_container_toolkit_version": version,
        "tgi_models": list(models),
    }
    return list(check_inventory(values))


@pytest.mark.parametrize(
    "version", ["1.18.0-1", "1.18.*", "1.20.0-1", "2.0", 1.18, "", None, UNKNOWN]
)
def test_what_is_let_through(version: Any) -> None:
    assert check(True, version, GPU, CPU) == []
    assert check(False, version, CPU) == []
    assert check(UNKNOWN, version, GPU) == []


@pytest.mark.parametrize("version", ["1.17.8-1", "1.17.*", "1.2", 1.9, "latest"])
def test_a_version_without_the_refresh(version: Any) -> None:
    (found,) = check(True, version, GPU)
    assert found.startswith("nvidia_container_toolkit_version is ")
    assert "not 1.18.0 or later" in found
    assert "write one such as 1.20.0-1" in found
    assert ("CVE-2025-23266" in found) == (version not in ("1.17.8-1",))
    assert check(False, version, CPU) == []


def test_a_version_that_refreshes_too_late() -> None:
    assert check(True, "1.19.1-1", GPU) == []
    (found,) = check(True, "1.19.0-1", GPU)
    assert "whose CDI refresh comes after Docker at boot; write 1.19.1-1" in found


def test_gpus_without_the_toolkit() -> None:
    (found,) = check(False, "1.20.0-1", CPU, GPU)
    assert found == (
        "nvidia_container_toolkit_enabled is false, but these models need a GPU: code; "
        "write true, or write gpus: [] for each of these models"
    )


@pytest.mark.parametrize(
    ("answer", "good"),
    [
        (CommandResult(0, "0, GPU-5f1c, NVIDIA L4, 23034, 580.95.05, 8.9\n"), True),
        (CommandResult(None, ""), False),
        (CommandResult(9, NOT_RUNNING), False),
        (CommandResult(0, "No devices were found\n"), False),
    ],
)
def test_the_toolkit_without_gpus(answer: CommandResult, good: bool) -> None:
    verdict = judge_toolkit({"driver_install": False}, Machine(), lambda _: answer)
    found = verdict.problems
    assert bool(found) != good
    assert good or "write false for this host" in found[0]
    later = judge_toolkit({"driver_install": True}, Machine(), lambda _: answer)
    # An installation helps a host without a driver, not one with a driver and no card
    assert bool(later.problems) == ("No devices" in answer.text)


@pytest.mark.parametrize("toolkit", [True, False])
def test_a_host_is_asked_for_gpus(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, toolkit: bool
) -> None:
    monkeypatch.setattr(f"{on_host.__name__}.commands.ask", lambda _: CommandResult(None, ""))
    found = on_host.inspect_host(request_for(toolkit=toolkit), fake_root(tmp_path))["problems"]
    told = [line for line in found if line.startswith("nvidia_container_toolkit_enabled is true")]
    assert len(told) == toolkit


@pytest.mark.parametrize("config", ["", "/etc/nginx/tgi-gateway"])
def test_a_host_is_asked_for_what_a_gateway_needs(tmp_path: Path, config: str) -> None:
    root = fake_root(tmp_path)
    (root / "etc/os-release").write_text(release("ubuntu", "22.04"))
    found = on_host.inspect_host(request_for(gateway_config=config), root)["problems"]
    assert any("has no nginx with njs" in line for line in found) == bool(config)
