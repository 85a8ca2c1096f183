"""Find, and stop, containers of a model beside those of its active set."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..common.commands import CommandOutput, run
from ..common.files import read
from ..common.places import compose_projects
from ..common.text import clean
from ..docker.compose_containers import Container, Docker, DockerError, RunDocker, run_docker
from ..models.deployed import find_deployed
from ..models.record import FILE, Record, from_text

#: An engine may take minutes to end its streams
_SECONDS = 3600


@dataclass(frozen=True)
class Leftover:
    """A model's other container: the one before, or a new one that did not get so far."""

    name: str
    project: str
    #: On loopback, 0 if it has none
    port: int
    gpus: list[str]
    runs: bool


def leftover_of(
    base_dir: Path, name: str, project: str, containers: Mapping[str, Container]
) -> Leftover | None:
    """Return what a model has beside ``project``, of the containers by project; None if nothing."""
    both = compose_projects(name)
    for other in both:
        one = containers.get(other)
        if project in both and other != project and one and one.directory == str(base_dir / name):
            return Leftover(name, other, one.port, list(one.gpus), one.status == "running")
    return None


def active_records(base_dir: Path, names: Collection[str] = ()) -> list[Record]:
    """Return the records of the deployed models, or of those in ``names``.

    Raises ValueError with a remedy for one that is damaged.
    """
    deployed = find_deployed(Path("/"), str(base_dir))
    paths = [base_dir / name / FILE for name in deployed if not names or name in names]
    return [from_text(read(path), str(path)) for path in paths if path.exists()]


def find_leftovers(
    base_dir: Path, records: Collection[Record], docker: RunDocker = run_docker
) -> list[Leftover]:
    """Return what the models have beside their active sets. Raises DockerError."""
    projects = {project for one in records for project in compose_projects(one.name)}
    containers = Docker(lambda _text: [], docker).containers(projects) if projects else {}
    found = (leftover_of(base_dir, one.name, one.project, containers) for one in records)
    return [one for one in found if one]


def take_down(one: Leftover, command: Callable[..., CommandOutput] = run) -> None:
    """Stop and remove its container, with its network and its caches. Raises DockerError.

    Its Compose file may be gone, so Docker Compose finds them by their labels.
    """
    words = ["docker", "compose", "-p", one.project, "down", "--remove-orphans", "--volumes"]
    done = command(words, _SECONDS)
    if done.rc:
        said = done.err.strip().splitlines()[-1:] or [f"exit {done.rc}"]
        raise DockerError(f"{' '.join(words)}: {clean(said[0])}")


def place_of(record: Record) -> dict[str, Any]:
    """Return where a model is: port, url, project and gpus, as the fact tgi_host.models has it."""
    url = f"http://127.0.0.1:{record.port}"
    places = {"port": record.port, "url": url, "project": record.project}
    return {**places, "gpus": list(record.gpus)}
