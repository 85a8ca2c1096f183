"""Let apt see the bundle's packages alone, for one run; a host's own sources stay as they are."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ...common.places import MARK

SOURCES = "sources.d"
CONFIGURATION = "apt.conf"


def apt_files(directory: str, parts: Sequence[Mapping[str, Any]]) -> dict[str, str]:
    """Return name below ``directory`` -> text: a source for each part, and apt's configuration.

    ``parts`` are those of bundle.json for the host's system. The configuration is for APT_CONFIG.
    """
    found = {CONFIGURATION: _configuration(directory)}
    for part in parts:
        found[f"{SOURCES}/{part['name']}.sources"] = _source(directory, part)
    return found


def _configuration(directory: str) -> str:
    lines = [
        MARK.replace("#", "//", 1) + ": only the bundle's packages, for a run that uses it",
        'Dir::Etc::SourceList "/dev/null";',
        f'Dir::Etc::SourceParts "{directory}/{SOURCES}";',
        "// The lists of the host's own sources stay",
        'APT::List-Cleanup "false";',
        'APT::Get::List-Cleanup "false";',
        'Acquire::Languages "none";',
        "// A bundle has what packages depend on, and not what they recommend",
        'APT::Install-Recommends "false";',
    ]
    return "\n".join([*lines, ""])


def _source(directory: str, part: Mapping[str, Any]) -> str:
    lines = [
        MARK,
        "Types: deb",
        f"URIs: file:{directory}/{part['directory']}",
        f"Suites: {part['suite']}",
    ]
    if part["components"]:
        lines.append(f"Components: {' '.join(part['components'])}")
    if part["key"]:
        lines.append(f"Signed-By: {directory}/{part['key']}")
    # A bundle is older than the days for which Debian's indexes are valid; its own signature holds
    lines += ["Check-Valid-Until: no", "By-Hash: no"]
    return "\n".join([*lines, ""])
