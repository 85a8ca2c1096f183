"""Read a Compose project that a version before ``deployed.json`` has written."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from ..common.commands import Ask
from ..common.problem import problem
from .record import Record

_LOOPBACK = "127.0.0.1"
_CDI = "nvidia.com/gpu="


def take_over(name: str, path: str, ask: Ask) -> Record | None:
    """Return what the Compose file ``path`` deploys, as Docker Compose reads it.

    Return None where the host has no Docker, as nothing runs then. Raise ValueError with a
    remedy when Compose cannot read the file, or when it publishes no port on loopback.
    """
    result = ask(["docker", "compose", "-f", path, "config", "--format", "json"])
    if result.rc is None:
        return None
    try:
        # Warnings of Compose follow the JSON
        project, _ = json.JSONDecoder().raw_decode(result.text)
        return _record(name, project)
    except (ValueError, LookupError, TypeError, AttributeError):
        said = " ".join(result.text.strip().splitlines()[-1:])[:200] if result.rc else ""
        what = f"cannot be read by Docker Compose{f' ({said})' if said else ''}"
        remedy = f"run docker compose -f {path} config, and repair what it reports"
        raise ValueError(problem(path, what, remedy)) from None


def _record(name: str, project: Mapping[str, Any]) -> Record:
    service = project["services"]["tgi"]
    environment = service.get("environment") or {}
    (port,) = [int(one["published"]) for one in service["ports"] if one.get("host_ip") == _LOOPBACK]
    reservations = ((service.get("deploy") or {}).get("resources") or {}).get("reservations") or {}
    devices = [
        device for entry in reservations.get("devices") or [] for device in entry["device_ids"]
    ]
    return Record(
        name=name,
        project=project["name"],
        port=port,
        gpus=[device[len(_CDI) :] for device in devices if device.startswith(_CDI)],
        image=service.get("image") or "",
        model_id=environment.get("MODEL_ID") or "",
        revision=environment.get("REVISION") or "",
    )
