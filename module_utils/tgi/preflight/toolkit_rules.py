"""Whether NVIDIA's container toolkit is asked for where it is needed, at a version that will do."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from ..common.problem import problem, shown
from ..models.resolve import resolve_models

_ENABLED = "nvidia_container_toolkit_enabled"
_VERSION = "nvidia_container_toolkit_version"
# The first with nvidia-cdi-refresh, which keeps the CDI specification true
OLDEST = (1, 18)
# Those that containers can break out of
_BROKEN = ((1, 17, 8), "CVE-2024-0132, CVE-2025-23359, CVE-2025-23266")
# Its refresh comes after multi-user.target, and so after Docker, which waits for it
_LATE = (1, 19, 0)


def check_toolkit(values: Mapping[str, Any]) -> Iterator[str]:
    """Give the problems of the toolkit's variables beside those of tgi_models."""
    if values.get(_ENABLED) is False:
        wanting = [
            str(model["name"])
            for model in resolve_models(values.get("tgi_models"), values.get("tgi_base_port"))
            if model["gpus"]
        ]
        if wanting:
            what = f"is false, but a GPU is wanted by {', '.join(wanting)}"
            yield problem(_ENABLED, what, "write true, or write gpus: [] for each of these models")
        return
    version = values.get(_VERSION)
    if isinstance(version, (str, float)) and version != "":
        parts = tuple(int(part) for part in re.findall(r"\d+", str(version)))
        if parts < OLDEST:
            holes = f", and containers can break out of it ({_BROKEN[1]})" * (parts < _BROKEN[0])
            what = f"is {shown(version)}, which is not 1.18.0 or later{holes}"
            remedy = "write one such as 1.20.0-1: those before 1.18.0 lack the CDI refresh"
            yield problem(_VERSION, what, remedy)
        elif parts[:3] == _LATE:
            what = f"is {shown(version)}, whose CDI refresh comes after Docker at boot"
            yield problem(_VERSION, what, "write 1.19.1-1 or later, or 1.18.2-1")
