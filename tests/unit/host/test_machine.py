"""Test the facts of a machine, read from recorded output."""

from __future__ import annotations

from pathlib import Path

from ansible.module_utils.tgi.host import machine

from tests.support.diagnose.shell import DMESG, Shell, shown


# --- the machine
def test_units() -> None:
    found = machine.unit(Shell(systemctl=shown("failed", "failed", "exit-code")), "nginx")
    assert found == {"load": "loaded", "active": "failed", "sub": "failed", "result": "exit-code"}
    assert machine.unit(Shell(), "nginx") == {}


def test_the_kernels_log() -> None:
    found = machine.kernel(Shell(dmesg=(0, DMESG)), "1000.50 3000.00\n")
    assert found["readable"]
    assert found["xid"] == [{"age": 10, "gpu": "PCI:0000:3b:00", "number": 79}]
    assert found["oom"] == [{"age": 600, "what": "text-generation"}, {"age": 50, "what": "python3"}]
    closed = machine.kernel(Shell(dmesg=(1, "dmesg: read kernel buffer failed")), "1.0 1.0")
    assert closed == {"readable": False, "oom": [], "xid": []}


def test_memory_and_disks(tmp_path: Path) -> None:
    text = "MemTotal:  1000 kB\nMemFree:  5 kB\nMemAvailable:   400 kB\n"
    assert machine.memory(text) == {"total": 1024000, "available": 409600}
    paths = [str(tmp_path / "not" / "there"), str(tmp_path)]
    (disk,) = machine.disks(paths)
    assert disk["paths"] == paths and 0 < disk["free"] <= disk["total"]
