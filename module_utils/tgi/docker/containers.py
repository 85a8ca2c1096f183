"""Read the running containers: name, Compose project, how each got its GPU."""

from __future__ import annotations

import json
from pathlib import Path, PurePath
from typing import Any, NamedTuple

from ..common.files import read

PROC = Path("/proc")
#: Prints one line of JSON per container
FORMAT = '{"name":{{json .Name}},"labels":{{json .Config.Labels}},"host":{{json .HostConfig}}}'
_PROJECT = "com.docker.compose.project.working_dir"


class RunningContainer(NamedTuple):
    """A running container: its name, the directory of its Compose project, how it got its GPU.

    ``gpu`` is cdi, hook (NVIDIA's runtime or its hook), or "" for none.
    """

    name: str
    project: str
    gpu: str


def parse(text: str) -> list[RunningContainer]:
    """Parse the output of ``docker inspect --format FORMAT``."""
    found = []
    for line in text.splitlines():
        if line.strip():
            one = json.loads(line)
            project = str((one["labels"] or {}).get(_PROJECT, ""))
            found.append(
                RunningContainer(one["name"].lstrip("/"), project, _gpu(one["host"] or {}))
            )
    return sorted(found)


def _gpu(host: dict[str, Any]) -> str:
    drivers = {str(request.get("Driver") or "") for request in host.get("DeviceRequests") or []}
    if "nvidia" in str(host.get("Runtime") or "") or drivers - {"cdi"}:
        return "hook"
    return "cdi" if drivers else ""


def below(container: RunningContainer, directory: str) -> bool:
    """Check whether the container's Compose project is below a directory."""
    return bool(directory) and PurePath(directory) in PurePath(container.project).parents


def shims(proc: Path = PROC) -> int:
    """Count all running containers, also those of other daemons or of one that is down."""
    found = 0
    for comm in proc.glob("[0-9]*/comm"):
        # The kernel keeps 15 characters of containerd-shim-runc-v2
        found += read(comm).startswith("containerd-shim")
    return found
