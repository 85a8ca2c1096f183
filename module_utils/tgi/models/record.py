"""Read and write ``deployed.json``: what the role tgi has deployed under one name."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields
from typing import Any

from ..common.problem import problem

FILE = "deployed.json"
#: Raise it when a reader of the version before would misread the file
SCHEMA = 1
#: A change of these alone rewrites no file: they describe the writing, not the deployment
_OF_THE_WRITING = ("deployed_at", "commit")


@dataclass(frozen=True)
class Record:
    """One deployed model. Holds no secrets: of options and environment only a digest."""

    name: str
    project: str
    port: int
    #: Indices or UUIDs; [] is CPU
    gpus: list[str]
    image: str = ""
    model_id: str = ""
    revision: str = ""
    aliases: list[str] = field(default_factory=list)
    #: SHA-256 of the container's environment; "" when a takeover could not know it
    options_digest: str = ""
    engine: str = "tgi"
    #: UTC, ISO 8601
    deployed_at: str = ""
    #: The controller's checkout, with "+dirty" where files differ from it; "" outside git
    commit: str = ""
    schema: int = SCHEMA

    def same_as(self, other: Record) -> bool:
        """Return whether both deploy the same, whenever and from whichever commit."""
        return _of_the_deployment(self) == _of_the_deployment(other)


def to_text(record: Record) -> str:
    """Return the file's text."""
    return json.dumps({"schema": record.schema, **asdict(record)}, indent=2) + "\n"


def _of_the_deployment(record: Record) -> dict[str, Any]:
    return {key: value for key, value in asdict(record).items() if key not in _OF_THE_WRITING}


def from_text(text: str, path: str) -> Record:
    """Return the record in the text of ``path``; raise ValueError with a remedy otherwise."""
    try:
        found = json.loads(text)
    except ValueError:
        found = None
    schema = found.get("schema") if isinstance(found, dict) else None
    if isinstance(schema, int) and schema > SCHEMA:
        what = f"has schema {schema}, but this version knows {SCHEMA} at most"
        raise ValueError(problem(path, what, "deploy with the newer version of tgi-ansible"))
    wrong = _first_wrong(found) if isinstance(found, dict) else "it holds no JSON mapping"
    if wrong:
        remedy = "delete this file: the next run reads compose.yaml beside it and writes it again"
        raise ValueError(problem(path, f"is damaged ({wrong})", remedy))
    known = {one.name for one in fields(Record)}
    return Record(**{key: value for key, value in found.items() if key in known})


def _first_wrong(found: Mapping[str, Any]) -> str:
    """Return what is wrong with the first field that is missing or of another type, or ""."""
    for one in fields(Record):
        value = found.get(one.name)
        if one.name in ("gpus", "aliases"):
            right = isinstance(value, list) and all(isinstance(item, str) for item in value)
        elif one.name in ("port", "schema"):
            right = isinstance(value, int) and value is not True and 0 < value < 65536
        else:
            right = isinstance(value, str)
        if not right or (one.name == "name" and not value):
            return f"{one.name} is missing or wrong"
    return ""
