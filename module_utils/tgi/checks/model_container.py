"""Read the state of a model's container from Docker on this host."""

from __future__ import annotations

import asyncio
from typing import Union

from ..docker.compose_containers import Container, Docker, DockerError, run_docker
from ..engines.tgi.log import parse

#: None: Docker has no such container; DockerError: Docker did not answer.
Seen = Union[Container, DockerError, None]


async def find(project: str) -> Seen:
    """Return the newest container of a Compose project."""
    if not project:
        return None
    try:
        found = await asyncio.to_thread(Docker(parse).containers, [project])
    except DockerError as error:
        return error
    return found.get(project)


async def visible(container: Container) -> tuple[int, str]:
    """Run nvidia-smi -L in the container; return exit code and output.

    A process that opened its GPU before the container lost it goes on; a new one cannot open it.
    """
    command = ["exec", container.id, "nvidia-smi", "-L"]
    try:
        code, out, err = await asyncio.to_thread(run_docker, command)
    except DockerError as error:
        return -1, str(error)
    return code, out or err


def unseen(project: str, before: Seen, after: Seen) -> str:
    """Return why Docker cannot show a restart; empty when it can, or without a project."""
    if not project:
        return ""
    if before is None:
        return f"Docker has no container of the project {project}"
    error = next((one for one in (before, after) if isinstance(one, DockerError)), None)
    return f"unknown whether its container restarted: {error}" if error else ""


def restarted(before: Seen, after: Seen) -> str:
    """Return a sign that the container restarted; empty without one."""
    if not isinstance(before, Container) or isinstance(after, DockerError):
        return ""
    if after is None:
        return "its container is gone"
    if after.id != before.id:
        return "its container was replaced"
    if after.restarts != before.restarts:
        return (
            f"its container was restarted (restart count {before.restarts}, now {after.restarts})"
        )
    if after.started != before.started or after.status != before.status:
        return f"its container was started again, it is {after.status}"
    return ""
