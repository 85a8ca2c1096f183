"""Compare the models of a host with what the inventory wants: what moves, and why. Reads only."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, NamedTuple

from ..common.commands import Ask, ask
from ..common.files import read, write
from ..common.places import compose_projects
from ..docker.compose_containers import Container, Docker, DockerError, RunDocker, run_docker
from ..docker.compose_dry_run import planned_work
from ..models.deployed import DeployedModels, read_deployed
from ..models.project_files import (
    COMPOSE,
    SECRETS,
    SECRETS_BEFORE,
    secrets_differ,
    write_project,
)
from ..models.record import Record
from ..readiness.probe import healthy
from .history import last_gap, read_history
from .leftovers import leftover_of
from .reasons import why_replaced
from .room import held_memory
from .sets import active_id, is_kept, is_returnable, kept, set_id, text_of

NOTHING, START, REPLACE, UPDATE, STOP = "nothing", "start", "replace", "update", "stop"
TOKEN = "token of the Hub"
_HEALTH_SECONDS = 5.0
_AT_ONCE = 8


@dataclass(frozen=True)
class WantedModel:
    """A model as tgi_deployed would write it: its record and the texts of its two files."""

    record: Record
    compose: str
    secrets: str


@dataclass(frozen=True)
class ModelChange:
    """What a run would do to one model on this host."""

    name: str
    #: nothing, start, replace, update (files alone) or stop
    action: str
    why: list[str]
    #: The wanted set, "" for a model that is to stop
    set: str
    #: The active set, "" without one
    current: str
    #: Whether the active set is the last that passed, with its present secrets
    kept: bool
    #: Whether another set than the wanted one is kept, to go back to
    returnable: bool
    #: Whether its container runs
    runs: bool
    #: Whether that container is not one of the active set, which passed: a roll-back ended early
    stale: bool
    #: Whether /health is 200 on its current port; None where it was not asked
    serves: bool | None
    #: Seconds that it was out the last time, None if unknown
    gap: float | None
    port: int
    project: str
    gpus: list[str]
    #: What it has beside that container: a leftovers.Leftover as dict, or None
    beside: dict[str, Any] | None
    #: Bytes of memory that its container holds; None where they were not asked, or are unknown
    memory: int | None


class Sources(NamedTuple):
    """Where the facts come from; tests give their own."""

    ask: Ask = ask
    run_docker: RunDocker = run_docker
    healthy: Callable[[str, float], bool] = healthy


def find_changes(
    base_dir: Path, wanted: Sequence[WantedModel], show: bool, sources: Sources | None = None
) -> list[dict[str, Any]]:
    """Return a ModelChange as dict for each wanted model, then for each that is to stop.

    With ``show``, reasons show the values of environment variables. Raises DockerError when
    Docker Compose refuses files that it has taken before.
    """
    host = _Host(base_dir, show, sources or Sources())
    records = [*host.deployed.records.values(), *(model.record for model in wanted)]
    both = {project for one in records for project in compose_projects(one.name)}
    host.look(both | {record.project for record in records})
    listed = {model.record.name for model in wanted}
    stale = [name for name in host.deployed.names if name not in listed]
    # Each asks Docker Compose, which takes a while
    with ThreadPoolExecutor(_AT_ONCE) as pool:
        found = [*pool.map(host.compare, wanted), *pool.map(host.stop, stale)]
    return [asdict(one) for one in found]


class _Host:
    """What is deployed on this host, and which containers exist."""

    def __init__(self, base: Path, show: bool, sources: Sources) -> None:
        self.base, self.show, self.sources = base, show, sources
        self.deployed: DeployedModels = read_deployed(Path("/"), str(base), sources.ask)
        self.history = read_history(base)
        self.containers: dict[str, Container] = {}
        self.trouble = ""

    def look(self, projects: set[str]) -> None:
        """Read the containers' state. Without Docker there are none, and ``trouble`` says so."""
        try:
            docker = Docker(lambda _text: [], self.sources.run_docker)
            self.containers = docker.containers(projects)
        except DockerError as error:
            self.trouble = str(error)

    def compare(self, wanted: WantedModel) -> ModelChange:
        """Return what a wanted model needs."""
        directory = self.base / wanted.record.name
        action, why, known = self._decide(wanted, directory)
        other_secrets = secrets_differ(read(directory / SECRETS), wanted.secrets)
        return self._describe(known, action, why, set_id(wanted.compose), other_secrets)

    def stop(self, name: str) -> ModelChange:
        """Return that a model is to stop."""
        known = self.deployed.records.get(name) or Record(name, "", 0, [])
        return self._describe(known, STOP, ["it is not in tgi_models"], "", False)

    def _decide(self, wanted: WantedModel, directory: Path) -> tuple[str, list[str], Record]:
        """Return the action, its reasons, and the record of what the host has, or will have."""
        record = wanted.record
        known = self.deployed.records.get(record.name, record)
        is_deployed = record.name in self.deployed.names
        container = self.containers.get(record.project)
        if not is_deployed and not container:
            return START, ["it is new on this host"], record
        if is_deployed and (why := self._differences(wanted, directory)):
            return REPLACE, why, known
        if not container or container.status != "running":
            state = f"its container is {container.status}" if container else "it has no container"
            return START, [self.trouble or state], record
        if work := self._planned(wanted, directory):
            unfinished = self._unfinished(wanted, directory)
            what = f"Docker Compose would do this to its container: {', '.join(work)}"
            return unfinished or (REPLACE, [f"{what}; its files ask for nothing new"], known)
        changes = write_project(directory, wanted.compose, wanted.secrets, record, dry=True)
        names = [change.path.name for change in changes]
        return (
            (UPDATE, [f"files alone: {', '.join(names)}"], known) if names else (NOTHING, [], known)
        )

    def _unfinished(
        self, wanted: WantedModel, directory: Path
    ) -> tuple[str, list[str], Record] | None:
        """Return why a run that ended early wrote files, while the set before them still runs."""
        last = next(iter(kept(directory)), None)
        if is_kept(directory) or not last:
            return None
        why = why_replaced(text_of(directory, last), wanted.compose, self.show)
        if (directory / SECRETS_BEFORE).exists():
            why.append(TOKEN)
        why = [f"{reason} (a run before did not finish)" for reason in why]
        return (REPLACE, why, last.record) if why else None

    def _differences(self, wanted: WantedModel, directory: Path) -> list[str]:
        why = why_replaced(read(directory / COMPOSE), wanted.compose, self.show)
        secrets = directory / SECRETS
        if secrets.exists() and secrets_differ(read(secrets), wanted.secrets):
            why.append(TOKEN)
        return why

    def _planned(self, wanted: WantedModel, directory: Path) -> list[str]:
        """Return Compose's work for the wanted files, which may be missing on the host."""
        run = self.sources.run_docker
        if (directory / COMPOSE).exists() and (directory / SECRETS).exists():
            return planned_work(str(directory), run)
        with TemporaryDirectory() as place:
            for name, text in ((COMPOSE, wanted.compose), (SECRETS, wanted.secrets)):
                write(Path(place) / name, text.encode(), 0o600)
            return planned_work(place, run)

    def _is_stale(self, known: Record, directory: Path) -> bool:
        container = self.containers.get(known.project)
        if not container or container.status != "running":
            return False
        try:
            return bool(planned_work(str(directory), self.sources.run_docker))
        except DockerError:
            # The wanted files are what this run is about
            return False

    def _describe(
        self, known: Record, action: str, why: list[str], wanted_set: str, other_secrets: bool
    ) -> ModelChange:
        directory = self.base / known.name
        current, passed = active_id(directory), is_kept(directory)
        container = self.containers.get(known.project)
        asked = known.name in self.deployed.records and (action in (REPLACE, STOP) or not passed)
        url = f"http://127.0.0.1:{known.port}"
        beside = leftover_of(self.base, known.name, known.project, self.containers)
        return ModelChange(
            name=known.name,
            action=action,
            why=why,
            set=wanted_set,
            current=current,
            kept=passed,
            returnable=is_returnable(directory, wanted_set, other_secrets),
            runs=bool(container and container.status == "running"),
            stale=passed and wanted_set not in ("", current) and self._is_stale(known, directory),
            serves=self.sources.healthy(url, _HEALTH_SECONDS) if asked else None,
            gap=last_gap(self.history, known.name),
            port=known.port,
            project=known.project,
            gpus=list(known.gpus),
            beside=asdict(beside) if beside else None,
            memory=held_memory(container.pid) if container and action == REPLACE else None,
        )
