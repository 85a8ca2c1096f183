"""What the gateway's configuration needs beyond what a preflight can see in an inventory."""

from __future__ import annotations

import hashlib
import math
import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from .inventory_gateway import Reader, check_gateway
from .inventory_problem import number, problem, shown

#: The name that always means the first model, whatever it is called
DEFAULT_ALIAS = "tgi"
_LABEL = r"[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?"
_HOST = re.compile(rf"(?=.{{1,253}}\Z){_LABEL}(?:\.{_LABEL})*")
_ADDRESS = re.compile(r"(?:[A-Za-z0-9.-]+|\[[0-9A-Fa-f:]+\]):[0-9]{1,5}")
_MODEL = re.compile(r"[a-z0-9][a-z0-9._-]*")


def gateway_problems(values: Mapping[str, Any], backends: Any, read: Reader) -> list[str]:
    """Give every reason, one line each, why a gateway of these variables cannot work.

    ``values`` are the role's variables by name, ``backends`` the models to publish, ``read``
    the reader of controller files of :func:`check_gateway`. What ends in nginx's own language
    is held to an alphabet here; everything else is written as JSON.
    """
    found = check_gateway(values, ["gpu_hosts"], read)
    server = str(values.get("gateway_server_name"))
    reported = any(line.startswith("gateway_server_name ") for line in found)
    if not reported and (not _HOST.fullmatch(server) or server.replace(".", "").isdigit()):
        remedy = "write the name in the clients' URL, for example llm.example.org"
        found.append(problem("gateway_server_name", f"is {shown(server)}, no DNS name", remedy))
    for variable in ("gateway_bad_auth", "gateway_public_limit"):
        found += _limit(variable, values.get(variable))
    found += _same_but_for_case("gateway_tiers", values.get("gateway_tiers") or {})
    consumers = values.get("gateway_consumers") or []
    for place, entry in enumerate(consumers):
        if not all(isinstance(key, str) for key in entry.get("keys") or []):
            where = f"gateway_consumers[{place}].keys"
            found.append(problem(where, "has a key that is not text", "put it in quotes"))
    names = [str(entry.get("name")) for entry in consumers]
    found += _same_but_for_case("gateway_consumers", names)
    found += _backends(backends)
    return list(dict.fromkeys(found))


def _limit(variable: str, limit: Any) -> Iterator[str]:
    sample = "write {requests_per_second: 5, burst: 50}"
    if (number((limit or {}).get("requests_per_second")) or 0) <= 0:
        yield problem(f"{variable}.requests_per_second", "is not more than 0", sample)
    if (number((limit or {}).get("burst")) or 0) < 0:
        yield problem(f"{variable}.burst", "is less than 0", sample)


def _same_but_for_case(variable: str, names: Iterable[Any]) -> Iterator[str]:
    seen: dict[str, str] = {}
    for name in map(str, names):
        other = seen.setdefault(name.lower(), name)
        if other != name:
            what = f"has {shown(name)} and {shown(other)}, which nginx cannot tell apart"
            yield problem(variable, what, "rename one")


def _backends(backends: Any) -> Iterator[str]:
    if not backends:
        yield problem("gateway_backends", "is empty", "list a model in tgi_models")
    owners = {DEFAULT_ALIAS: str(backends[0].get("name"))} if backends else {}
    for place, backend in enumerate(backends or []):
        where = f"gateway_backends[{place}]"
        name, address = str(backend.get("name")), str(backend.get("address"))
        if not _MODEL.fullmatch(name):
            remedy = "write lower-case letters, digits, . _ and - only"
            yield problem(f"{where}.name", f"is {shown(name)}", remedy)
        if not _ADDRESS.fullmatch(address):
            yield problem(f"{where}.address", f"is {shown(address)}", "write host:port")
        for label in [name, *(backend.get("aliases") or [])]:
            owner = owners.setdefault(str(label), name)
            if owner != name:
                what = f"is called {shown(label)}, which means {owner}"
                yield problem(where, what, "give it another name or alias")


def gateway_rate(per_second: Any) -> str:
    """Write a rate as nginx takes it: whole requests per second, else per minute (at least 1)."""
    rate = float(per_second)
    if rate >= 1 and rate.is_integer():
        return f"{int(rate)}r/s"
    return f"{max(1, round(rate * 60))}r/m"


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


def gateway_backends(models: Iterable[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Give resolved models as what the gateway publishes of its own machine."""
    return [
        {
            "name": model["name"],
            "model_id": model["model_id"],
            "aliases": list(model["aliases"]),
            "address": f"127.0.0.1:{model['port']}",
        }
        for model in models
    ]


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
