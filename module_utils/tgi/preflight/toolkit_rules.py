"""Check that NVIDIA's container toolkit is enabled if needed, in a supported version."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from ..common.problem import problem
from ..host.nvidia.toolkit_packages import check_version
from ..models.resolve import normalise

_ENABLED = "nvidia_container_toolkit_enabled"
_VERSION = "nvidia_container_toolkit_version"


def check_toolkit(values: Mapping[str, Any]) -> Iterator[str]:
    """Return the problems of the toolkit's variables and of models that need it."""
    if values.get(_ENABLED) is False:
        wanting = [
            str(model["name"])
            for model in normalise(values.get("tgi_models"))
            if model["gpus"] is None or model["gpus"]
        ]
        if wanting:
            what = f"is false, but these models need a GPU: {', '.join(wanting)}"
            yield problem(_ENABLED, what, "write true, or write gpus: [] for each of these models")
        return
    version = values.get(_VERSION)
    if isinstance(version, (str, float)) and version != "":
        wrong = check_version(str(version))
        if wrong:
            yield problem(_VERSION, *wrong)
