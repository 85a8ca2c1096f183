"""Inspect a gateway host: nginx, its configuration, its error log, the way to each engine."""

from __future__ import annotations

import json
import socket
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from ...common.commands import Ask, ask
from ...common.files import read
from ...common.places import GATEWAY_ACME, GATEWAY_CONFIGURATION, GATEWAY_STATE
from ...gateway.drained import read_drained
from ...gateway.nginx.edited import origin_of
from ...gateway.nginx.release import ReleaseLink
from ...gateway.nginx.service import Nginx, status_port, status_url
from ...host import machine
from ...host.ports import find_owners
from ...readiness.probe import Probe, probe_all
from .access_log import read_addresses, read_refusals
from .error_log import read_errors

_NGINX = "nginx"
_RENEWAL = ("timer", "service")
_BACKENDS = "backends.json"
_DIALECT = "gateway_dialect.js"
_PROBE_SECONDS = 20.0
ProbeAll = Callable[[Mapping[str, "tuple[str, float]"]], "dict[str, Probe]"]


@dataclass(frozen=True)
class Places:
    """Paths of a gateway; ``ports`` are those that nginx must listen on."""

    ports: tuple[int, ...] = (443,)
    main: Path = Path("/etc/nginx/nginx.conf")
    directory: Path = Path(GATEWAY_CONFIGURATION)
    state: Path = Path(GATEWAY_STATE)
    log: Path = Path("/var/log/nginx/tgi-gateway-error.log")
    access: Path = Path("/var/log/nginx/tgi-gateway-access.log")
    proc: Path = Path("/proc")

    def drained(self) -> dict[str, tuple[str, str]]:
        """Return "since …" and the remedy by the flag of each drained replica."""
        found, now = read_drained(self.state / "drain"), time.time()
        return {one.flag: (one.since(now), one.remedy()) for one in found}


def look_at_gateway(
    host: str, places: Places, run: Ask = ask, probes: ProbeAll = probe_all
) -> dict[str, Any]:
    """Return service, renewal, config, ports, listening, errors, models, clock and the machine.

    Only reads, but asks each replica for one token.
    """
    began = time.time()
    service = machine.unit(run, _NGINX)
    link = ReleaseLink(places.main, places.directory)
    edited = origin_of(link)
    version = link.version() or edited
    text = read(places.main) if version else ""
    port = status_port(text)

    def nginx_run(command: list[str]) -> tuple[int, str, str]:
        code, said = run(command)
        return (127 if code is None else code), said, said

    nginx = Nginx(nginx_run, status_url(port or 0), [places.log])
    served = nginx.served() if port else None
    complaint = ""
    if text and served != version:
        # nginx -t names why a start or a reload failed
        complaint = nginx.test(places.main)
    owners = find_owners(places.proc, set(places.ports))
    return {
        "host": host,
        "service": service,
        "few_files": nginx.too_few_files(text),
        "renewal": _renewal(run, text),
        "config": {
            "disk": version,
            "served": served,
            "complaint": complaint,
            "edited": bool(edited),
        },
        "ports": list(places.ports),
        "listening": {str(port): owner.command for port, owner in owners.items()},
        "errors": read_errors(places.log),
        "addresses": read_addresses(places.access, text),
        "refusals": read_refusals(places.access),
        "translates": (places.directory / (version or "-") / _DIALECT).exists(),
        "models": _models(places, version, probes),
        **machine.look(run, _written(places), places.proc),
        "clock": [began, time.time()],
    }


def _renewal(run: Ask, configuration: str) -> dict[str, str]:
    """Return ``timer`` and ``result`` of certbot's last run; {} if no certificate is from ACME."""
    if f"{GATEWAY_ACME}/live/" not in configuration:
        return {}
    timer, service = (machine.unit(run, f"tgi-gateway-acme.{kind}") for kind in _RENEWAL)
    return {"timer": timer.get("active", ""), "result": service.get("result", "")}


def _written(places: Places) -> tuple[str, ...]:
    """Return where nginx, the role and Ansible write."""
    return (str(places.log.parent), str(places.main.parent), str(places.state), "/run", "/tmp")


def _models(places: Places, version: str | None, probes: ProbeAll) -> list[dict[str, Any]]:
    """Return each published model with its replicas, as the deployed files name them."""
    try:
        backends = json.loads(read(places.directory / (version or "") / _BACKENDS))
    except ValueError:
        return []
    replicas = {
        f"{backend['name']}@{one['name']}": one
        for backend in backends
        for one in backend["replicas"]
    }
    asked = {flag: (f"http://{one['address']}", _PROBE_SECONDS) for flag, one in replicas.items()}
    seen = probes(asked)
    return [
        {
            "name": backend["name"],
            "replicas": [
                _replica(places, f"{backend['name']}@{one['name']}", one, seen)
                for one in backend["replicas"]
            ],
        }
        for backend in backends
    ]


def _replica(
    places: Places, flag: str, one: Mapping[str, Any], seen: Mapping[str, Probe]
) -> dict[str, Any]:
    found = seen[flag]
    drained, remedy = places.drained().get(flag, ("", ""))
    return {
        "name": one["name"],
        "address": one["address"],
        "source": source_to(one["address"]),
        "ready": found.ready,
        "listening": found.listening,
        "detail": found.detail,
        "drained": drained,
        "take_back": remedy,
    }


def source_to(address: str) -> str:
    """Return the source address that this host uses towards host:port; empty without a route."""
    parts = urlsplit(f"//{address}")
    family = socket.AF_INET6 if ":" in (parts.hostname or "") else socket.AF_INET
    try:
        with socket.socket(family, socket.SOCK_DGRAM) as plug:
            # A datagram socket sends nothing here, it only chooses its route
            plug.connect((parts.hostname, parts.port or 80))
            return str(plug.getsockname()[0])
    except OSError:
        return ""
