"""Compare a module's documentation, with its fragments, with the options that it takes."""

from __future__ import annotations

import runpy
from types import ModuleType
from typing import Any

import yaml

from tests.support.roots import ROOT

_KEYS = ("type", "required", "default", "elements", "choices")


def documented_options(module: ModuleType) -> dict[str, Any]:
    """Return the options of DOCUMENTATION and of the fragments that it names."""
    page = yaml.safe_load(module.DOCUMENTATION)
    options: dict[str, Any] = dict(page.get("options") or {})
    for name in page.get("extends_documentation_fragment", []):
        fragment = runpy.run_path(str(ROOT / f"plugins/doc_fragments/{name}.py"))
        options.update(yaml.safe_load(fragment["ModuleDocFragment"].DOCUMENTATION)["options"])
    return options


def differences(documented: dict[str, Any], spec: dict[str, Any], where: str = "") -> list[str]:
    """Return the places where an argument specification and the documentation differ."""
    found = [f"{where}{name} is in one alone" for name in documented.keys() ^ spec.keys()]
    for name in documented.keys() & spec.keys():
        page, option = documented[name], spec[name]
        found += [f"{where}{name}.{key}" for key in _KEYS if page.get(key) != option.get(key)]
        inner = (page.get("suboptions", {}), option.get("options", {}))
        found += differences(*inner, f"{where}{name}.")
    return found
