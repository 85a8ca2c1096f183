"""Which models have a Compose project of ours on a host, and whose the others are."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from ..common.files import read
from ..common.places import MARK
from ..common.problem import problem

_COMPOSE_FILES = ("compose.yaml", "compose.yml", "docker-compose.yaml", "docker-compose.yml")


def find_deployed(root: Path, base_dir: str) -> list[str]:
    """Give the names of the models that have a Compose project of ours under ``base_dir``."""
    paths = _below(root, base_dir).glob("*/compose.yaml")
    return sorted(path.parent.name for path in paths if read(path).startswith(MARK))


def check_projects(root: Path, base_dir: str, names: Iterable[str]) -> list[str]:
    """Refuse to write over, or beside, the Compose project of somebody else.

    ``names`` are of models that have none of ours.
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


def project_file(root: Path, base_dir: str, name: str) -> Path:
    """Give the path of a model's Compose file."""
    return _below(root, base_dir) / name / "compose.yaml"


def _below(root: Path, base_dir: str) -> Path:
    return root / base_dir.lstrip("/")
