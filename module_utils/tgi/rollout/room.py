"""Look on a host for what a second container of a model needs: ports, GPUs, memory."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from ..common.commands import Ask, ask
from ..common.files import read
from ..host.machine import memory
from ..host.nvidia.gpu_load import holders
from ..host.ports import listening

_CGROUP = re.compile(r"(?m)^0::(/.*)$")
#: Of memory.stat: what cannot be read again from a disk
_HELD = re.compile(r"(?m)^(?:anon|shmem) (\d+)$")


def look_for_room(with_gpus: bool, sources: Ask = ask, root: Path = Path("/")) -> dict[str, Any]:
    """Return ``ports`` (taken ones), ``busy`` (UUIDs of the GPUs with a process).

    ``memory`` are the bytes that are available, None where the kernel does not say. nvidia-smi is
    asked only ``with_gpus``.
    """
    tables = [read(root / "proc/net" / name) for name in ("tcp", "tcp6")]
    return {
        "ports": sorted({one.port for one in listening(tables)}),
        "busy": sorted({one["uuid"] for one in holders(sources)}) if with_gpus else [],
        "memory": memory(read(root / "proc/meminfo")).get("available"),
    }


def held_memory(pid: int, root: Path = Path("/")) -> int | None:
    """Return the bytes that a container holds, with its shared memory; None if that is unknown.

    ``pid`` is its first process. Pages of files do not count, as the kernel drops them.
    """
    group = _CGROUP.search(read(root / "proc" / str(pid) / "cgroup")) if pid else None
    found = _HELD.findall(read(root / f"sys/fs/cgroup{group[1]}/memory.stat")) if group else []
    return sum(map(int, found)) if found else None
