"""Test the parsing of nvidia-ctk's CDI devices."""

from __future__ import annotations

from pathlib import Path

import pytest
from ansible.module_utils.tgi.common.commands import CommandResult, ask
from ansible.module_utils.tgi.host.nvidia.cdi import devices, offered


def test_names_are_given_and_nothing_else(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    tool = tmp_path / "nvidia-ctk"
    tool.write_text(
        "#!/bin/sh\necho Found 2 CDI devices >&2; printf 'nvidia.com/gpu=%s\\n' all 0\n"
    )
    tool.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    assert offered(ask) == ["nvidia.com/gpu=all", "nvidia.com/gpu=0"]


def test_no_tool_offers_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    assert offered(ask) == []


@pytest.mark.parametrize(("code", "count"), [(0, 1), (14, 1), (8, 1), (255, 0), (None, 0)])
def test_a_warning_of_nvidia_smi_takes_no_gpu_away(
    tmp_path: Path, code: int | None, count: int
) -> None:
    row = "0, GPU-a, NVIDIA L4, 23034, 580.95.05, 8.9, [N/A], Enabled\n"
    found = devices(lambda _: CommandResult(code, row), tmp_path)
    assert found.cards == count and bool(found.problem) is not bool(count)
