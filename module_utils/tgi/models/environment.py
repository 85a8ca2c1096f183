"""Build the environment variables of a model's container, from which TGI reads its options."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from typing import Any

from ..common.problem import problem
from ..engines.tgi.environment_rules import PLAIN_TRACEBACK
from .host_weights import is_fetched, offline_environment
from .resolve import normalise


def container_environments(
    models: Iterable[Mapping[str, Any]],
    entries: Any,
    common: Any,
    usage_stats: str,
    weights: str = "container",
) -> dict[str, dict[str, str]]:
    """Return name -> environment variables for each of ``models`` (the preflight's fact).

    The fact holds no environment, which may be secret: a model's own comes from ``entries``
    (tgi_models). It overrides ``common`` (tgi_environment); launcher options, and what keeps
    secrets out of the log, override both. Empty values are left out, because TGI takes an empty
    variable for a value. ``weights`` is tgi_weights. Raise ValueError when the fact is of another
    list, as a cached one may be.
    """
    own = {entry["name"]: entry["environment"] for entry in normalise(entries)}
    models = list(models)
    if [model["name"] for model in models] != list(own):
        remedy = "run the role preflight in this play"
        raise ValueError(problem("fact tgi_host.models", "does not match tgi_models", remedy))
    return {
        str(model["name"]): _environment(
            model, common or {}, own[model["name"]], usage_stats, is_fetched(model, weights)
        )
        for model in models
    }


def _environment(
    model: Mapping[str, Any],
    common: Mapping[str, Any],
    own: Mapping[str, str],
    usage_stats: str,
    fetched: bool,
) -> dict[str, str]:
    options = {"usage_stats": usage_stats, **model["options"]}
    values = {
        "MODEL_ID": model["model_id"],
        "REVISION": model["revision"],
        "NUM_SHARD": model["num_shard"],
        # A new start takes the code of the repository, not what a run made of it
        "HF_MODULES_CACHE": "/tmp/hf_modules" if options.get("trust_remote_code") is True else "",
        **common,
        **own,
        **{name.upper(): value for name, value in options.items()},
        PLAIN_TRACEBACK: "1",
    }
    if fetched:
        values.update(offline_environment(values))
    texts = {name: _text(value) for name, value in values.items()}
    return {name: text for name, text in texts.items() if text}


def _text(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return str(value).lower()
    return ",".join(map(str, value)) if isinstance(value, (list, tuple, dict)) else str(value)


def options_digest(environment: Mapping[str, str]) -> str:
    """Return the SHA-256 of an environment, which does not depend on its order."""
    text = json.dumps({str(key): str(environment[key]) for key in environment}, sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()
