"""TGI's log lines as ``docker logs --timestamps`` prints them, and containers for them."""

from __future__ import annotations

import json
from datetime import datetime, timezone
from typing import Any

from ansible.module_utils.tgi.docker.compose_containers import Container

T0 = 1_700_000_000.0
GREEN, RED, DIM, BOLD, OFF = "\x1b[32m", "\x1b[31m", "\x1b[2m", "\x1b[1m", "\x1b[0m"


def stamp(at: float) -> str:
    """Return T0 + ``at`` as Docker writes it, with nine decimals."""
    return datetime.fromtimestamp(T0 + at, timezone.utc).strftime("%Y-%m-%dT%H:%M:%S.%f000Z")


def launcher(message: str, level: str = "INFO", span: str = "") -> str:
    """Return a coloured line of the launcher."""
    where = f"{BOLD}{span}{OFF}{DIM}:{OFF} " if span else ""
    colour = RED if level == "ERROR" else GREEN
    return (
        f"{DIM}2023-11-14T22:13:20.000001Z{OFF} {colour}{level:>5}{OFF} {where}"
        f"{DIM}text_generation_launcher{OFF}{DIM}:{OFF} {message}"
    )


def router(message: str, level: str = "INFO", source: str = "router/src/server.rs:2402") -> str:
    """Return a coloured line of the router, with file and line."""
    target = "text_generation_router::server" if "server" in source else "text_generation_router_v3"
    path, line = source.split(":")
    return (
        f"{DIM}2023-11-14T22:13:20.000001Z{OFF} {GREEN}{level:>5}{OFF} "
        f"{DIM}{target}{OFF}{DIM}:{OFF}"
        f" {DIM}{path}{OFF}{DIM}:{OFF}{DIM}{line}:{OFF} {message}"
    )


def as_json(message: str, level: str = "INFO", flat: bool = False) -> str:
    """Return the line of --json-output: nested for the launcher, ``flat`` for the router."""
    entry: dict[str, object] = {"timestamp": "2023-11-14T22:13:20Z", "level": level}
    if flat:
        entry.update(message=message, target="text_generation_router::server", line_number=2402)
    else:
        entry.update(fields={"message": message}, target="text_generation_launcher")
    return json.dumps(entry)


def raw(*lines: tuple[float, str]) -> str:
    """Return Docker's output, with the time before each line, also within an entry."""
    return "".join(f"{stamp(at)} {one}\n" for at, text in lines for one in text.split("\n"))


def container(**changes: Any) -> Container:
    """Return a container that has run since T0."""
    fields: dict[str, Any] = {
        "id": "c" * 64,
        "name": "tgi-m-tgi-1",
        "project": "tgi-m",
        "status": "running",
        "created": T0 - 1,
        "started": T0,
        "finished": 0.0,
        "exit_code": 0,
        "error": "",
        "out_of_memory": False,
        "restarts": 0,
    }
    return Container(**{**fields, **changes})


ARGS = launcher('Args {\n    model_id: "acme/m",\n    trust_remote_code: false,\n'
                '    api_key: Some(\n        "sesame-open",\n    ),\n}')  # fmt: skip
DOWNLOAD = launcher("Starting check and download process for acme/m", span="download")
DOWNLOADED = launcher("Successfully downloaded weights for acme/m", span="download")
SHARD = launcher("Starting shard rank=0", span="shard-manager")
READY = launcher("Shard ready in 14.0s rank=0", span="shard-manager")
WEBSERVER = launcher("Starting Webserver")
WARMING = router("Warming up model", source="backends/v3/src/lib.rs:125")
CONNECTED = router("Connected")
TO_LOAD = ((0.1, ARGS), (1, DOWNLOAD), (3, DOWNLOADED), (3.1, SHARD))
TO_WARMUP = (*TO_LOAD, (17, READY), (17.1, WEBSERVER), (18, WARMING))
TO_SERVE = (*TO_WARMUP, (25, CONNECTED))
