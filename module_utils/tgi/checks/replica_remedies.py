"""Say of a failure at the gateway which hosts it comes from, where this run knows too little.

A model may be served by hosts that are not in this run (``--limit``): one that is off answers
nothing, and one that waits for its turn has its old options still.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import replace

from .results import FAIL, WARN, Check
from .selection import Model

_SILENT = re.compile(r"HTTP 50[234]|no (?:complete )?answer within")
_DECLARED = re.compile(r"^max_(?:input|total)_tokens is .* declared")


def explain(checks: Iterable[Check], models: Sequence[Model]) -> list[Check]:
    """Return the checks; where a model's hosts explain a failure, its remedy names them."""
    by_name = {model.name: model for model in models}
    return [_explained(one, by_name.get(one.model)) for one in checks]


def _explained(check: Check, model: Model | None) -> Check:
    if model is None or check.status not in (FAIL, WARN):
        return check
    absent, only = ", ".join(model.absent), len(model.absent) == len(model.replicas)
    many = "are" if len(model.absent) > 1 else "is"
    if absent and only and _SILENT.search(check.observed):
        remedy = (
            f"Only {absent} can serve it and {many} not in this run (--limit): if it is off, start "
            "it; then run site.yml without --limit"
        )
    elif _DECLARED.search(check.observed) and model.unlike:
        remedy = f"Its replicas differ: {model.unlike}. Declare the same for all of them"
    elif _DECLARED.search(check.observed) and absent:
        remedy = (
            f"{absent} {many} not in this run and may still have the old options, so "
            "clients get either: run site.yml there too"
        )
    else:
        return check
    return replace(check, remedy=remedy)
