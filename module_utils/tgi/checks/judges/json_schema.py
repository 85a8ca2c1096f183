"""Validate values by JSON Schema, with jsonschema 3.2 or later."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ...common.text import trim

try:
    import jsonschema

    JSONSCHEMA_ERROR = ""
except ImportError as error:  # the module says which package is missing, and where
    JSONSCHEMA_ERROR = str(error)


def schema_problem(value: Any, schema: Mapping[str, Any]) -> str:
    """Return where and how a value does not fit its schema (draft 7); empty when it fits."""
    errors = jsonschema.Draft7Validator(schema).iter_errors(value)
    first = min(errors, key=lambda error: [str(step) for step in error.path], default=None)
    if first is None:
        return ""
    place = "/".join(str(step) for step in first.path)
    return trim(f"{place}: {first.message}" if place else first.message, 160)
