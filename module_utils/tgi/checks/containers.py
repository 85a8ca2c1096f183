"""The container behind a model, as Docker on this host knows it. Read only."""

from __future__ import annotations

import asyncio

from ..wait_docker import Container, Docker, DockerError, run_docker


async def look(project: str) -> Container | None:
    """The newest container of a Compose project; None without one, or without Docker."""
    if not project:
        return None
    try:
        found = await asyncio.to_thread(Docker().containers, [project])
    except DockerError:
        return None
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


def restarted(before: Container | None, after: Container | None) -> str:
    """What shows that the container did not run through; empty when nothing does."""
    if before is None:
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
