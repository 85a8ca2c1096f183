"""Test GPU clocks, heat and memory holders, read from recorded output of nvidia-smi."""

from __future__ import annotations

from pathlib import Path

import pytest
from ansible.module_utils.tgi.host.nvidia import gpu_load

from tests.support.diagnose.shell import APPS, LIVE, Shell


@pytest.mark.parametrize("code", [0, 14])
def test_cards_and_who_holds_them(tmp_path: Path, code: int) -> None:
    shell = Shell(**{"--query-gpu": (code, LIVE), "--query-compute-apps": (code, APPS)})
    (card,) = gpu_load.live(shell)
    assert card["throttled"] == ["the power cap", "heat", "heat (hardware)"]
    assert (card["index"], card["celsius"], card["mhz_most"]) == ("0", 91.0, 2040.0)
    (tmp_path / "77").mkdir()
    (tmp_path / "77" / "cgroup").write_text("0::/system.slice/docker-abc123.scope\n")
    found = gpu_load.holders(shell, ["abc123"], tmp_path)
    assert found == [
        {"uuid": "GPU-1", "pid": 4242, "name": "jupyter", "mib": 18000, "ours": False},
        {"uuid": "GPU-1", "pid": 77, "name": "python3", "mib": 2000, "ours": True},
    ]
    assert gpu_load.live(Shell(nvidia=(2, 'Field "x" is not a valid field'))) == []
    assert gpu_load.live(Shell()) == [] and gpu_load.holders(Shell()) == []
