"""Argument specification of the models' files, for the modules tgi_deployed and tgi_changes."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timezone
from typing import Any

from ..common.places import BASE_DIR
from .record import Record

MODEL: dict[str, Any] = {
    "name": {"type": "str", "required": True},
    "project": {"type": "str", "default": ""},
    "port": {"type": "int", "default": 0},
    "gpus": {"type": "list", "elements": "str", "default": []},
    "model_id": {"type": "str", "default": ""},
    "revision": {"type": "str"},
    "aliases": {"type": "list", "elements": "str", "default": []},
}
PROJECTS: dict[str, Any] = {
    "base_dir": {"type": "path", "default": BASE_DIR},
    "models": {"type": "list", "elements": "dict", "required": True, "options": MODEL},
    "image": {"type": "str", "default": ""},
    "options_digests": {"type": "dict", "default": {}},
    # Environment variables may hold secrets
    "compose": {"type": "dict", "default": {}, "no_log": True},
    "secrets": {"type": "dict", "default": {}, "no_log": True},
    "show_compose": {"type": "bool", "default": True},
}


def utc_now() -> str:
    """Return the time as deployed.json and the history write it."""
    return datetime.now(timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")


def lacking(params: Mapping[str, Any]) -> str:
    """Return the problem of models without a text or a digest, "" if each has both."""
    names = [
        model["name"]
        for model in params["models"]
        if model["name"] not in params["compose"] or model["name"] not in params["options_digests"]
    ]
    if not names:
        return ""
    return f"{', '.join(names)} has no text in compose, or no digest; write both"


def records_of(params: Mapping[str, Any]) -> list[Record]:
    """Return the record of each model, as deployed now; call :func:`lacking` first."""
    now = utc_now()
    return [
        Record(
            **{**model, "revision": model["revision"] or ""},
            image=params["image"],
            options_digest=str(params["options_digests"][model["name"]]),
            deployed_at=now,
            commit=params.get("commit", ""),
        )
        for model in params["models"]
    ]
