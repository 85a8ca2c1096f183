"""Know publishers whose repositories the Hub gives only to those who accepted their licence."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from ..common.problem import problem
from .hub_cache import is_offline

# As of November 2026. One that is missing here costs a warning, and the download names it then
_GATED = re.compile(
    r"meta-llama/.*|google/(?:code|pali|shield)?gemma-.*|mistralai/.*"
    r"|(?:CohereForAI|CohereLabs)/.*|bigcode/starcoder.*|databricks/dbrx-.*",
    re.IGNORECASE,
)


def lacks_token(
    model: Mapping[str, Any], environment: Mapping[str, str], gated: bool | None = None
) -> bool:
    """Return whether the Hub will probably refuse this model of models.resolve.normalise.

    ``environment`` is all of its container's. A mirror of the Hub has rules of its own. ``gated``
    is what the catalogue says, None if it does not know.
    """
    fetched = not is_offline(environment) and not environment.get("HF_ENDPOINT")
    closed = bool(_GATED.fullmatch(model["model_id"])) if gated is None else gated
    return fetched and not model["hf_token"] and closed


def gated_note(model: Mapping[str, Any], variable: str) -> str:
    """Return the warning."""
    what = f"is not set, and most repositories like {model['model_id']} are gated"
    remedy = "write hf_token: true, and the token as tgi_hf_token"
    return problem(f"{variable}.hf_token", what, remedy)
