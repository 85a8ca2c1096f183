"""Read of a running container what Docker publishes, its GPUs, its image, and its collector."""

from __future__ import annotations

import json
import re
import socket
from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import urlsplit

from ...common.commands import Ask
from ...common.text import mask, trim
from ...docker.compose_containers import Container

_COLLECTOR = "OTLP_ENDPOINT"
_COLLECTOR_PORT = 4317
#: Seconds for a connection to the collector
_PATIENCE = 3


def state(one: Container | None) -> dict[str, Any]:
    if one is None:
        return {"status": "absent"}
    return {
        "status": one.status,
        "name": one.name,
        "exit_code": one.exit_code,
        "out_of_memory": one.out_of_memory,
        "restarts": one.restarts,
    }


def look_inside(run: Ask, one: Container | None, gpus: Sequence[str]) -> dict[str, Any]:
    """Return ``published`` addresses, ``visible`` GPUs, ``image`` and ``collector``.

    None: unknown, or for the collector: none is set.
    """
    if one is None or one.status != "running":
        return {"published": None, "visible": None, "image": None, "collector": None}
    config = _inspect(run, one, ".Config")
    return {
        "published": _published(_inspect(run, one, ".NetworkSettings.Ports", empty={})),
        "visible": _visible(run, one) if gpus else None,
        "image": config.get("Image") if config else None,
        "collector": _collector(run, one, config or {}),
    }


def _inspect(run: Ask, one: Container, part: str, empty: Any = None) -> Any:
    code, text = run(["docker", "inspect", f"--format={{{{json {part}}}}}", one.id])
    try:
        return (json.loads(text) or empty) if code == 0 else None
    except ValueError:
        return None


def _published(ports: Mapping[str, Any] | None) -> list[str] | None:
    if ports is None:
        return None
    return [
        f"{place['HostIp']}:{place['HostPort']}"
        for places in ports.values()
        for place in places or []
    ]


def _visible(run: Ask, one: Container) -> dict[str, Any] | None:
    code, text = run(["docker", "exec", one.id, "nvidia-smi", "-L"])
    lines = [line for line in text.splitlines() if line.startswith("GPU ")]
    if lines or code in (6, 9, 12, 255):
        return {"count": len(lines), "said": "" if lines else text.strip()[-160:]}
    return None


def option(config: Mapping[str, Any], variable: str) -> str:
    """Return a launcher option of a container: an argument wins over the variable."""
    words = [str(word) for word in [*(config.get("Entrypoint") or []), *(config.get("Cmd") or [])]]
    flag = "--" + variable.lower().replace("_", "-")
    for at, word in enumerate(words):
        if word == flag:
            return words[at + 1] if at + 1 < len(words) else ""
        if word.startswith(f"{flag}="):
            return word.partition("=")[2]
    # Of the environment only this one variable is kept: others may be secret
    pairs = [str(entry).partition("=") for entry in config.get("Env") or []]
    return next((value for name, _, value in pairs if name == variable), "")


def _collector(run: Ask, one: Container, config: Mapping[str, Any]) -> dict[str, str] | None:
    """Return ``address`` and ``problem`` of the OTLP collector (None: unknown whether it is there).

    The container's own network and names decide; the host's are second best.
    """
    given = option(config, _COLLECTOR)
    if not given:
        return None
    parts = urlsplit(given if "://" in given else f"//{given}")
    try:
        host, port = parts.hostname or "", parts.port or _COLLECTOR_PORT
    except ValueError:
        host, port = "", 0
    if not host:
        return {"address": mask(trim(given, 80)), "problem": "is no address"}
    problem = _from_inside(run, one, host, port)
    if problem is None and not host.startswith(("127.", "localhost", "::1")):
        problem = _from_host(host, port)
    return {"address": f"{host}:{port}", "problem": problem or ""}


def _from_inside(run: Ask, one: Container, host: str, port: int) -> str | None:
    """Return why the container cannot connect; empty if it can, None without the tools in it."""
    connect = ["bash", "-c", 'exec 3<>"/dev/tcp/$1/$2"', "bash", host, str(port)]
    code, text = run(["docker", "exec", one.id, "timeout", str(_PATIENCE), *connect])
    if code == 0:
        return ""
    if code == 124:
        return f"does not answer within {_PATIENCE} s"
    if code != 1 or not (found := re.findall(r"(?m)^bash: .*: ([A-Z][A-Za-z ]+)$", text)):
        return None
    return f"cannot be connected to: {found[0]}"


def _from_host(host: str, port: int) -> str:
    try:
        with socket.create_connection((host, port), _PATIENCE):
            return ""
    except (TimeoutError, socket.timeout):
        return f"does not answer within {_PATIENCE} s"
    except OSError as error:
        return f"cannot be connected to: {error.strerror or error}"
