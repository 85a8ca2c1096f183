"""Check where hosts get the signing keys of package repositories from."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from ..common.problem import problem, shown

_SOURCE = re.compile(r"(?:https?://[^\s/]+/|file:/|/)\S*")
_NAMES = ("apt_key", "yum_key")


def check_key_sources(values: Mapping[str, Any]) -> Iterator[str]:
    """Yield the keys of Docker's and NVIDIA's repositories that no host can find."""
    for role in ("docker", "nvidia_container_toolkit"):
        for name in _NAMES:
            source = values.get(f"{role}_{name}")
            if isinstance(source, str) and source and not _SOURCE.fullmatch(source):
                what = f"is {shown(source)}, neither a URL nor an absolute path"
                remedy = "write a URL, or the absolute path of a file on the host"
                yield problem(f"{role}_{name}", what, remedy)
