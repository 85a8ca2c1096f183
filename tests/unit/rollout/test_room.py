"""Test what a host has to spare for a second container."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from module_utils.tgi.common.commands import CommandResult
from module_utils.tgi.rollout.room import held_memory, look_for_room

LISTEN = "  0: 0100007F:1F91 00000000:0000 0A 0:0 00:0 0 0 0 4711 1\n"


def put(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)


def test_ports_gpus_and_memory(tmp_path: Path) -> None:
    asked: list[Sequence[str]] = []

    def nvidia(command: Sequence[str]) -> CommandResult:
        asked.append(command)
        return CommandResult(0, "GPU-1, 4711, python3, 20000\n")

    put(tmp_path / "proc/net/tcp", f"sl local\n{LISTEN}")
    put(tmp_path / "proc/meminfo", "MemTotal: 9 kB\nMemAvailable: 8 kB\n")
    assert look_for_room(True, nvidia, tmp_path) == {
        "ports": [8081], "busy": ["GPU-1"], "memory": 8192,
    }  # fmt: skip
    assert look_for_room(False, nvidia, tmp_path)["busy"] == []
    assert len(asked) == 1


def test_an_unknown_memory_is_none(tmp_path: Path) -> None:
    assert look_for_room(False, root=tmp_path)["memory"] is None
    assert held_memory(0, tmp_path) is None
    put(tmp_path / "proc/7/cgroup", "1:name=systemd:/\n")
    assert held_memory(7, tmp_path) is None


def test_what_a_container_holds_is_not_its_files(tmp_path: Path) -> None:
    put(tmp_path / "proc/7/cgroup", "0::/system.slice/docker-1.scope\n")
    stat = "anon 4096\nfile 999999\nkernel 5\nshmem 1024\n"
    put(tmp_path / "sys/fs/cgroup/system.slice/docker-1.scope/memory.stat", stat)
    assert held_memory(7, tmp_path) == 5120
