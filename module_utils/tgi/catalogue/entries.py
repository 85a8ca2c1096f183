"""Read the catalogue: the models that can be deployed by name.

``models.yml`` is read on the controller only. Hosts get what they need of it in the preflight's
request, because Ansible ships no files but Python's to them.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

_HERE = Path(__file__).resolve().parent


class CatalogueEntry(NamedTuple):
    """One model: its name in the catalogue, and the fields that schema.json describes."""

    name: str
    fields: Mapping[str, Any]

    @property
    def id(self) -> str:
        """Return the repository on the Hub."""
        return str(self.fields["id"])

    @property
    def ids(self) -> list[str]:
        """Return the repository and its older names."""
        return [self.id, *(one for one in self.fields.get("aliases") or [] if "/" in one)]

    @property
    def config(self) -> Mapping[str, Any] | None:
        """Return what a plan reads of config.json, with the size of the weights where known."""
        found = self.fields["config"]
        size = self.fields["weights"].get("bytes")
        return found if found is None or not size else {**found, "weights_bytes": size}

    @property
    def words(self) -> set[str]:
        """Return every name under which it is found, in small letters."""
        named = [self.name, self.id, *(self.fields.get("aliases") or [])]
        return {word.lower() for one in named for word in (one, one.rpartition("/")[2])}


@cache
def shipped() -> Mapping[str, Mapping[str, Any]]:
    """Return the project's own entries by name."""
    # Hosts may have no PyYAML, and never call this
    import yaml

    # The loader in C is ten times as fast, and not everywhere
    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    text = (_HERE / "models.yml").read_text("utf-8")
    found: dict[str, Mapping[str, Any]] = yaml.load(text, loader)
    return found


@cache
def schema() -> Mapping[str, Any]:
    """Return the JSON Schema of models.yml and of tgi_catalogue."""
    found: dict[str, Any] = json.loads((_HERE / "schema.json").read_text("utf-8"))
    return found


def read_catalogue(site: Any = None) -> list[CatalogueEntry]:
    """Return all entries; those of ``site`` (tgi_catalogue) come first, and replace ours by name.

    Entries of ``site`` that do not fit the schema are left out: the preflight reports them.
    """
    own = site if isinstance(site, Mapping) else {}
    usable = {str(name): fields for name, fields in own.items() if not entry_problem(name, fields)}
    ours = {name: fields for name, fields in shipped().items() if name not in usable}
    return [CatalogueEntry(name, fields) for name, fields in {**usable, **ours}.items()]


def entry_problem(name: Any, fields: Any) -> str:
    """Return where and how an entry does not fit the schema, or ""."""
    # Only who has entries of his own needs the library
    import jsonschema

    plain = json.loads(json.dumps({str(name): fields}, default=str))
    errors = jsonschema.Draft7Validator(schema()).iter_errors(plain)
    first = min(errors, key=lambda error: [str(step) for step in error.path], default=None)
    if first is None:
        return ""
    place = ".".join(str(step) for step in list(first.path)[1:])
    return f"{f'{place}: ' if place else ''}{first.message}"[:160]


def find_entry(word: Any, entries: list[CatalogueEntry]) -> CatalogueEntry | None:
    """Return the entry with this name, repository, older repository or short name, or None."""
    wanted = str(word or "").strip().lower()
    return next((one for one in entries if wanted and wanted in one.words), None)
