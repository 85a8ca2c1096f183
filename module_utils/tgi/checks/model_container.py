"""The container behind a model, as Docker on this host knows it. Read only."""

from __future__ import annotations

import asyncio
from typing import Union

from ..docker.compose_containers import Container, Docker, DockerError, run_docker
from ..engines.tgi.log import parse

#: None: Docker knows none; the error: it could not be asked.
Seen = Union[Container, DockerError, None]


async def look(project: str) -> Seen:
    """The newest container of a Compose project."""
    if not project:
        return None
    try:
        found = await asyncio.to_thread(Docker(parse).containers, [project])
    except DockerError as error:
        return error
    return found.get(project)


async def visible(container: Container) -> tuple[int, str]:
    """What a new process in the container sees of its GPUs: nvidia-smi's exit code and words.

    Processes that opened their GPU before it was taken away go on for a while; a new one cannot.
    """
    command = ["exec", container.id, "nvidia-smi", "-L"]
    try:
        code, out, err = await asyncio.to_thread(run_docker, command)
    except DockerError as error:
        return -1, str(error)
    return code, out or err


def unseen(project: str, before: Seen, after: Seen) -> str:
    """Why Docker is no witness, though it was to be one; empty when it is, or was not to be."""
    if not project:
        return ""
    if before is None:
        return f"Docker knows no container of the project {project}"
    error = next((one for one in (before, after) if isinstance(one, DockerError)), None)
    return f"whether its container was restarted cannot be told: {error}" if error else ""


def restarted(before: Seen, after: Seen) -> str:
    """What shows that the container did not run through; empty when nothing does."""
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
