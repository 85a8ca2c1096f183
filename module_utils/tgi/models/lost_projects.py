"""Find our containers whose Compose file is gone: their labels say what they are."""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping
from pathlib import PurePath
from typing import Any

from ..common.commands import Ask
from .record import Record

_LABEL = "com.docker.compose.project"
_LIST = f'{{{{.ID}}}} {{{{.Label "{_LABEL}"}}}} {{{{.Label "{_LABEL}.working_dir"}}}}'
_INSPECT = '{"config":{{json .Config}},"host":{{json .HostConfig}}}'
_LOOPBACK = "127.0.0.1"
_CDI = "nvidia.com/gpu="


def find_lost(base_dir: str, names: Collection[str], ask: Ask) -> list[Record]:
    """Return a record of each container from a directory below ``base_dir`` not in ``names``.

    ``names`` are the models whose Compose file exists. Docker is asked once, and once more only
    for lost ones; without Docker there are none.
    """
    listed = ask(["docker", "ps", "--all", "--filter", f"label={_LABEL}", "--format", _LIST])
    found: dict[str, Record] = {}
    for line in listed.text.splitlines() if listed.rc == 0 else ():
        container, _, rest = line.partition(" ")
        project, _, directory = rest.partition(" ")
        place = PurePath(directory)
        if place.parent != PurePath(base_dir) or place.name in {*names, *found}:
            continue
        seen = ask(["docker", "inspect", "--format", _INSPECT, container])
        if record := _record(place.name, project, seen.text if seen.rc == 0 else ""):
            found[place.name] = record
    return [found[name] for name in sorted(found)]


def _record(name: str, project: str, text: str) -> Record | None:
    """Return the record; None for a container that publishes no port as ours do."""
    try:
        seen = json.loads(text)
        config, host = seen["config"], seen["host"]
        (port,) = {
            int(place["HostPort"])
            for places in (host["PortBindings"] or {}).values()
            for place in places
            if place["HostIp"] == _LOOPBACK
        }
    except (ValueError, LookupError, TypeError):
        return None
    environment = dict(entry.partition("=")[::2] for entry in config.get("Env") or [])
    return Record(
        name=name,
        project=project,
        port=port,
        gpus=_gpus(host),
        image=config.get("Image") or "",
        model_id=environment.get("MODEL_ID") or "",
        revision=environment.get("REVISION") or "",
    )


def _gpus(host: Mapping[str, Any]) -> list[str]:
    return [
        device[len(_CDI) :]
        for request in host.get("DeviceRequests") or []
        for device in request.get("DeviceIDs") or []
        if device.startswith(_CDI)
    ]


def lost_notes(lost: Collection[Record], base_dir: str, listed: Collection[str]) -> list[str]:
    """Return a line for each lost project; ``listed`` are the names in tgi_models."""
    return [
        f"{base_dir}/{one.name}/compose.yaml is gone, but its container is there: "
        + (
            "the role tgi writes it again"
            if one.name in listed
            else f"{one.name} is not in tgi_models, so remove it with docker compose "
            f"-p {one.project} down"
        )
        for one in lost
    ]
