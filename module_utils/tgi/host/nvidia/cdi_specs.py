"""Read CDI specification files of the kind nvidia.com/gpu, and find those in the way.

Only ``nvidia-ctk cdi generate`` writes this kind; the GPU operator and device plugins have others.
This module needs no YAML library, which hosts may not have.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import NamedTuple

from ...common.files import read

KIND = "nvidia.com/gpu"
#: The second wins if both name a device; two files of one directory conflict
STATIC, FRESH = "etc/cdi", "var/run/cdi"
#: Where NVIDIA's refresh writes, unless its environment says otherwise
OUTPUT = "/var/run/cdi/nvidia.yaml"
_ENVIRONMENT = "etc/nvidia-container-toolkit/nvidia-cdi-refresh.env"
_FIELD = r'^[ \t{,]*(?:- )?"?%s"?: *"?([^"\s,]+)"?,?[ \t\r]*$'
_KIND_LINE, _NAME_LINE, _PATH_LINE = (
    re.compile(_FIELD % name, re.MULTILINE) for name in ("kind", "name", "hostPath")
)


class CdiSpec(NamedTuple):
    """A file's device names, and the host paths that it mounts."""

    names: frozenset[str]
    paths: frozenset[str]


def parse_spec(text: str) -> CdiSpec | None:
    """Parse a specification; return None for another kind."""
    kinds = _KIND_LINE.findall(text)
    if kinds != [KIND]:
        return None
    return CdiSpec(frozenset(_NAME_LINE.findall(text)), frozenset(_PATH_LINE.findall(text)))


def find_specs(root: Path) -> dict[str, CdiSpec]:
    """Return the specifications by their path on the host."""
    found = {}
    for directory in (STATIC, FRESH):
        for path in sorted((root / directory).glob("*")):
            if path.suffix in (".yaml", ".json"):
                spec = parse_spec(read(path))
                if spec is not None:
                    found[f"/{directory}/{path.name}"] = spec
    return found


def output_of(root: Path) -> str:
    """Return the path that the refresh writes on this host."""
    text = read(root / _ENVIRONMENT)
    found = re.findall(r"(?m)^[ \t]*NVIDIA_CTK_CDI_OUTPUT_FILE_PATH=(\S+)", text)
    return found[-1].strip("\"'") if found else OUTPUT


def superfluous(
    specs: Mapping[str, CdiSpec], output: str, wanted: Collection[str], root: Path
) -> dict[str, str]:
    """Return the files to remove, each with the reason; never the refresh's own file."""
    found = {}
    for path, spec in specs.items():
        same = [
            other
            for other, its in specs.items()
            if other != path and Path(other).parent == Path(path).parent and its.names & spec.names
        ]
        uuids = {name for name in spec.names if name.startswith(("GPU-", "MIG-"))}
        gone = sorted(one for one in spec.paths if not (root / one.lstrip("/")).exists())
        if path == output:
            continue
        if same:
            # Of two unknown files, none is known to be right
            found[path] = f"names the same devices as {same[0]}"
        elif uuids - set(wanted):
            found[path] = f"names {min(uuids - set(wanted))}, which is not in this host"
        elif gone:
            found[path] = f"mounts {gone[0]}, which does not exist"
    return found
