"""Find the models that are deployed on a host, and the Compose projects that are not ours."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, NamedTuple

from ..common.commands import Ask
from ..common.files import read
from ..common.places import MARK
from ..common.problem import problem
from .lost_projects import find_lost
from .record import FILE, Record, from_text
from .takeover import take_over

_COMPOSE_FILES = ("compose.yaml", "compose.yml", "docker-compose.yaml", "docker-compose.yml")


class DeployedModels(NamedTuple):
    """The models with a Compose project of ours: all ``names``, and a record by name.

    ``problems`` names files that cannot be read; such a model has no record. ``lost`` are the
    models whose Compose file is gone while their container exists; they have a record.
    """

    names: list[str]
    records: dict[str, Record]
    problems: list[str]
    lost: list[Record]

    def kept(self) -> dict[str, dict[str, Any]]:
        """Return name -> {port, gpus, project}, as models.resolve.assign takes it."""
        return {
            name: {"port": record.port, "gpus": list(record.gpus), "project": record.project}
            for name, record in self.records.items()
        }

    def as_deployed(self, models: Iterable[Mapping[str, Any]]) -> list[dict[str, Any]]:
        """Return ``models`` with the port, URL, project and GPUs that the deployed ones have.

        For callers that ask what runs, where the list may say what is to run next.
        """
        return [{**model, **self._place_of(str(model["name"]))} for model in models]

    def _place_of(self, name: str) -> dict[str, Any]:
        record = self.records.get(name)
        if record is None:
            return {}
        url = f"http://127.0.0.1:{record.port}"
        return {
            "port": record.port,
            "url": url,
            "project": record.project,
            "gpus": list(record.gpus),
        }

    def published(self) -> dict[int, str]:
        """Return port -> name."""
        return {record.port: name for name, record in self.records.items()}


def read_deployed(root: Path, base_dir: str, ask: Ask) -> DeployedModels:
    """Read deployed.json of each model; without it, ask Docker Compose what is deployed."""
    names = find_deployed(root, base_dir)
    lost = find_lost(base_dir, names, ask)
    found = DeployedModels(names, {one.name: one for one in lost}, [], lost)
    for name in found.names:
        directory = _below(root, base_dir) / name
        try:
            record = _read(directory / FILE, f"{base_dir}/{name}/{FILE}")
            record = record or take_over(name, str(directory / "compose.yaml"), ask)
        except ValueError as error:
            found.problems.append(str(error))
            continue
        if record:
            found.records[name] = record
    return found


def _read(path: Path, shown: str) -> Record | None:
    return from_text(read(path), shown) if path.exists() else None


def find_deployed(root: Path, base_dir: str) -> list[str]:
    """Return the names of the models that have a Compose project of ours under ``base_dir``."""
    paths = _below(root, base_dir).glob("*/compose.yaml")
    return sorted(path.parent.name for path in paths if read(path).startswith(MARK))


def check_projects(root: Path, base_dir: str, names: Iterable[str]) -> list[str]:
    """Refuse to write over, or beside, a Compose project that is not ours.

    ``names`` are the models that have none of ours.
    """
    found = []
    for name in filter(None, names):
        directory = _below(root, base_dir) / name
        for file in _COMPOSE_FILES:
            if (directory / file).exists():
                remedy = "move it away, or write another name or tgi_base_dir"
                where = f"{base_dir}/{name}/{file}"
                found.append(problem(where, "was not written by tgi-ansible", remedy))
    return found


def _below(root: Path, base_dir: str) -> Path:
    return root / base_dir.lstrip("/")
