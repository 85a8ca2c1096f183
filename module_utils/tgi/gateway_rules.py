"""What the gateway's configuration needs beyond what a preflight can see in an inventory."""

from __future__ import annotations

import hashlib
import math
import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from .inventory_gateway import Reader, check_gateway
from .inventory_models import DEFAULT_ALIAS, NAME
from .inventory_problem import problem, shown
from .models import DEFAULT_BASE_PORT, resolve_models

_ADDRESS = re.compile(r"(?:[A-Za-z0-9.-]+|\[[0-9A-Fa-f:]+\]):[0-9]{1,5}")


def gateway_problems(values: Mapping[str, Any], backends: Any, read: Reader) -> list[str]:
    """Give every reason, one line each, why a gateway of these variables cannot work.

    ``values`` are the role's variables by name, ``backends`` the models to publish, ``read``
    the reader of controller files of :func:`check_gateway`. What ends in nginx's own language
    is held to an alphabet there and here; everything else is written as JSON.
    """
    found = check_gateway(values, ["gpu_hosts"], read)
    found += check_backends(backends)
    return list(dict.fromkeys(found))


def check_backends(backends: Any) -> Iterator[str]:
    """Give the problems of gateway_backends; entries that are no mapping are passed over."""
    if not backends:
        yield problem("gateway_backends", "is empty", "list a model in tgi_models")
    entries = [
        (f"gateway_backends[{place}]", entry)
        for place, entry in enumerate(backends if isinstance(backends, list) else [])
        if isinstance(entry, dict)
    ]
    owners = {DEFAULT_ALIAS: str(entries[0][1].get("name"))} if entries else {}
    for where, backend in entries:
        name, replicas = backend.get("name"), backend.get("replicas")
        if isinstance(name, str) and not NAME.fullmatch(name):
            remedy = "write lower-case letters, digits, . _ and - only"
            yield problem(f"{where}.name", f"is {shown(name)}", remedy)
        for number, replica in enumerate(replicas if isinstance(replicas, list) else []):
            address = replica.get("address") if isinstance(replica, dict) else None
            if isinstance(address, str) and not _ADDRESS.fullmatch(address):
                place = f"{where}.replicas[{number}].address"
                yield problem(place, f"is {shown(address)}", "write host:port")
        aliases = backend.get("aliases")
        for label in [name, *(aliases if isinstance(aliases, list) else [])]:
            owner = owners.setdefault(str(label), str(name))
            if owner != str(name):
                what = f"is called {shown(label)}, which means {owner}"
                yield problem(where, what, "give it another name or alias")


def gateway_rate(per_second: Any) -> str:
    """Write a rate, 1/60 or more, as nginx takes it: whole requests per second, else a minute."""
    rate = float(per_second)
    if rate >= 1 and rate.is_integer():
        return f"{int(rate)}r/s"
    return f"{round(rate * 60)}r/m"


def gateway_retry_after(per_second: Any) -> int:
    """Give the seconds, rounded up, until one more request fits into a rate."""
    return max(1, math.ceil(1 / float(per_second)))


def gateway_mark(key: Any) -> str:
    """Give a short digest of what a limit counts by, for the names of its zone and variable.

    nginx keeps its old configuration, without failing, when a zone's key changes under its name.
    """
    return hashlib.sha256(str(key).encode()).hexdigest()[:8]


def gateway_burst(burst: Any) -> str:
    """Give the parameters of limit_req for a burst that is served at once, not queued."""
    return f" burst={int(burst)} nodelay" if int(burst) > 0 else ""


def gateway_backends(
    hosts: Iterable[str], hostvars: Mapping[str, Mapping[str, Any]], gateway: str
) -> list[dict[str, Any]]:
    """Give the models of all ``hosts`` as what the gateway publishes: one entry a name.

    The host's own variables and what the preflight saw on it (the fact tgi_host) say where
    each model listens; ``gateway`` reaches its own ones on loopback.
    """
    found: dict[str, dict[str, Any]] = {}
    for host in hosts:
        values = hostvars[host]
        facts = values.get("ansible_facts", {}).get("tgi_host", {})
        base = values.get("tgi_base_port", DEFAULT_BASE_PORT)
        address = "127.0.0.1" if host == gateway else str(values.get("tgi_bind_address") or "")
        for model in resolve_models(values.get("tgi_models"), base, facts.get("kept")):
            entry = found.setdefault(
                model["name"],
                {
                    "name": model["name"],
                    "model_id": model["model_id"],
                    "aliases": list(model["aliases"]),
                    "replicas": [],
                },
            )
            entry["replicas"].append({"name": host, "address": f"{address}:{model['port']}"})
    return list(found.values())


def gateway_addresses(hosts: Iterable[str], hostvars: Mapping[str, Any]) -> list[str]:
    """Give the source addresses of the gateways ``hosts``, as they say or the preflight saw."""
    found = []
    for host in hosts:
        facts = hostvars[host].get("ansible_facts", {}).get("tgi_host", {})
        found.append(str(hostvars[host].get("gateway_address") or facts.get("address") or ""))
    return sorted({address for address in found if address})


def gateway_models(backends: Iterable[Mapping[str, Any]]) -> dict[str, Any]:
    """Give what the njs code looks up: names to a model, the default one, and /v1/models.

    An alias is listed as a model whose ``root`` is the name it stands for, as vLLM lists
    adapters; the default's alias ``tgi`` works without being listed.
    """
    entries = list(backends)
    names: dict[str, str] = {DEFAULT_ALIAS: entries[0]["name"]}
    listed = []
    for backend in entries:
        for label in [backend["name"], *(backend.get("aliases") or [])]:
            names[label] = backend["name"]
            listed.append(
                {
                    "id": label,
                    "object": "model",
                    "created": 0,
                    "owned_by": backend["model_id"],
                    "root": backend["name"],
                }
            )
    shown_names = ", ".join(entry["id"] for entry in listed)
    page = {"object": "list", "data": listed}
    return {"names": names, "default": entries[0]["name"], "shown": shown_names, "list": page}


def gateway_probe(text: str, oldest: str) -> dict[str, Any]:
    """Read ``nginx -V`` and the lines the role's first task adds to it.

    Returns nginx (version; ``oldest`` when there is none), openssl (the one it runs with),
    installed (nginx and njs are there), present (nginx is) and ipv6 (the host has it).
    """
    nginx = re.search(r"^nginx version: nginx/([0-9.]+)", text, re.M)
    running = re.search(r"running with OpenSSL ([0-9.]+)", text)
    built = re.search(r"built with OpenSSL ([0-9.]+)", text)
    openssl = running or built
    return {
        "nginx": nginx.group(1) if nginx else oldest,
        "openssl": openssl.group(1) if openssl else "3.0.0",
        "present": bool(nginx),
        "installed": bool(nginx) and "\nnjs here" in text,
        "ipv6": "\nipv6 here" in text,
    }
