"""Ask Docker Compose what it would do to a project's containers, without doing it."""

from __future__ import annotations

import re

from ..common.text import clean
from .compose_containers import DockerError, RunDocker, run_docker

# Plain progress is the one form that Compose 2.18 to 5 all have; some leave out the first words
_CONTAINER = re.compile(r"(?m)^ *(?:DRY-RUN MODE - +)?Container +\S+ +(\S+)")
_WORK = {"Creating", "Recreate", "Starting", "Restarting", "Stopping", "Killing", "Removing"}


def planned_work(directory: str, run: RunDocker = run_docker) -> list[str]:
    """Return what ``docker compose up`` would do to containers, such as Recreate; [] for nothing.

    Raises DockerError with Compose's words when it refuses the project or Docker does not answer.
    """
    code, out, err = run(
        [
            *("compose", "--ansi", "never", "--progress", "plain"),
            *("--project-directory", directory),
            *("--dry-run", "up", "--detach", "--pull", "never"),
        ]
    )
    text = out + err
    if code:
        raise DockerError(clean((text.strip().splitlines() or [f"exit {code}"])[-1]))
    return [status for status in _CONTAINER.findall(text) if status in _WORK]
