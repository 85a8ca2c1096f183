"""Read a host's services, disks and memory, and the kernel's messages about memory and GPUs."""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from ..common.commands import Ask
from ..common.file_system import file_system_of
from ..common.files import read

_KERNEL_LINE = re.compile(r"^\[\s*(\d+\.\d+)\] (.*)$")
_OOM = re.compile(r"Out of memory: Killed process \d+ \(([^)]*)\)|oom-kill:.*task=([^,]+)")
_XID = re.compile(r"NVRM: Xid \(([^)]*)\): (\d+)")
_MOST = 5


def unit(ask: Ask, name: str) -> dict[str, str]:
    """Return a systemd unit's ``load``, ``active``, ``sub``, ``result``; {} if unknown."""
    wanted = {"LoadState": "load", "ActiveState": "active", "SubState": "sub", "Result": "result"}
    code, text = ask(["systemctl", "show", name, f"--property={','.join(wanted)}"])
    pairs = [line.partition("=") for line in text.splitlines()] if code == 0 else []
    return {wanted[key]: value for key, _, value in pairs if key in wanted}


def disks(paths: Iterable[str]) -> list[dict[str, Any]]:
    """Return the file systems that have ``paths``: the fields of FileSystem, and ``paths``."""
    found: dict[str, dict[str, Any]] = {}
    for path in paths:
        one = file_system_of(path)
        found.setdefault(one.mount, {**one._asdict(), "paths": []})["paths"].append(path)
    return list(found.values())


def memory(meminfo: str) -> dict[str, int]:
    """Return ``total`` and ``available`` in bytes from the text of /proc/meminfo."""
    words = {"MemTotal": "total", "MemAvailable": "available"}
    pairs = re.findall(r"(?m)^(\w+):\s+(\d+) kB", meminfo)
    return {words[name]: int(value) * 1024 for name, value in pairs if name in words}


def kernel(ask: Ask, uptime: str) -> dict[str, Any]:
    """Return ``oom`` and ``xid`` of the kernel's log, newest last, each with ``age`` in seconds.

    ``readable`` is false if the log cannot be read, as in most containers.
    """
    code, text = ask(["dmesg"])
    first = uptime.split()[:1]
    if code != 0 or not first:
        return {"readable": False, "oom": [], "xid": []}
    up = float(first[0])
    oom: list[dict[str, Any]] = []
    xid: list[dict[str, Any]] = []
    for line in text.splitlines():
        parts = _KERNEL_LINE.match(line)
        if not parts:
            continue
        age, said = round(max(0.0, up - float(parts.group(1)))), parts.group(2)
        if killed := _OOM.search(said):
            oom.append({"age": age, "what": killed.group(1) or killed.group(2)})
        if fault := _XID.search(said):
            xid.append({"age": age, "gpu": fault.group(1), "number": int(fault.group(2))})
    return {"readable": True, "oom": oom[-_MOST:], "xid": xid[-_MOST:]}


def look(ask: Ask, paths: Iterable[str], proc: Path = Path("/proc")) -> dict[str, Any]:
    """Return ``disks``, ``memory`` and ``kernel`` of this host."""
    return {
        "disks": disks(paths),
        "memory": memory(read(proc / "meminfo")),
        "kernel": kernel(ask, read(proc / "uptime")),
    }
