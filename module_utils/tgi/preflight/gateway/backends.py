"""Check the models that a gateway publishes: names, aliases and addresses."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from ...common.problem import problem, shown
from ...models.model_rules import ALIAS, DEFAULT_ALIAS, NAME
from ...models.replicas import backends_problems, gateway_backends

_ADDRESS = re.compile(r"(?:[A-Za-z0-9][A-Za-z0-9.-]*|\[[0-9A-Fa-f:.]+\]):([0-9]{1,5})")
# A replica's name is part of a file's name and of an nginx upstream's
_REPLICA = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")


def backend_problems(
    backends: Any, hosts: Iterable[str], hostvars: Mapping[str, Mapping[str, Any]], gateway: str
) -> list[str]:
    """Return the reasons why ``gateway`` cannot publish ``backends``, one line each.

    If :func:`gateway_backends` derived the backends from ``hosts``, check these hosts. Then one
    that moves to another address has both, under one name.
    """
    names = list(hosts)
    derived = bool(names) and backends == gateway_backends(names, hostvars, gateway)
    found = backends_problems(names, hostvars, gateway) if derived else []
    return found or list(check_backends(backends, moving=derived))


def check_published(
    backends: Any, gpu_hosts: Mapping[str, Mapping[str, Any]] | None, gateway: str
) -> list[str]:
    """Return the problems of a gateway's models that the inventory alone shows.

    Without its own ``backends`` a gateway publishes the models of ``gpu_hosts``. The preflight
    of each GPU host checks its models.
    """
    if backends is not None:
        return list(check_backends(backends)) if isinstance(backends, list) else []
    if gpu_hosts is None:
        return []
    if not gpu_hosts:
        remedy = "add the hosts of the models to it, or write gateway_backends"
        return [problem("group gpu_hosts", "is empty, so the gateway has no models", remedy)]
    return backends_problems(gpu_hosts, gpu_hosts, gateway, facts=False)


def check_backends(backends: Any, moving: bool = False) -> Iterator[str]:
    """Return the problems of gateway_backends; entries that are not mappings are skipped.

    ``moving``: a replica may have two addresses, in two entries of one name.
    """
    if not backends:
        remedy = "list a model in tgi_models of a host in gpu_hosts"
        yield problem("gateway_backends", "is empty", remedy)
    entries = [
        (f"gateway_backends[{place}]", entry)
        for place, entry in enumerate(_list(backends))
        if isinstance(entry, dict)
    ]
    for where, backend in entries:
        yield from _check_labels(where, backend)
        yield from _check_replicas(f"{where}.replicas", backend.get("replicas"), moving)
    yield from _check_owners(entries)


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []


def _check_labels(where: str, backend: dict[Any, Any]) -> Iterator[str]:
    name = backend.get("name")
    if isinstance(name, str) and not NAME.fullmatch(name):
        remedy = "write lower-case letters, digits, . _ and - only"
        yield problem(f"{where}.name", f"is {shown(name)}, not a valid name", remedy)
    for place, alias in enumerate(_list(backend.get("aliases"))):
        if isinstance(alias, str) and not ALIAS.fullmatch(alias):
            remedy = "write letters, digits and . _ : / - only"
            yield problem(
                f"{where}.aliases[{place}]", f"is {shown(alias)}, not a valid alias", remedy
            )
    model_id = backend.get("model_id")
    if isinstance(model_id, str) and not re.fullmatch(r"/?[\w][\w./:-]*", model_id, re.ASCII):
        remedy = "write organisation/name, or a path"
        yield problem(f"{where}.model_id", f"is {shown(model_id)}, not a model", remedy)


def _check_replicas(where: str, replicas: Any, moving: bool) -> Iterator[str]:
    if isinstance(replicas, list) and not replicas:
        yield problem(where, "is empty", "write [{name: gpu1, address: 10.0.0.5:8081}]")
    seen: dict[tuple[str, str], str] = {}
    for place, replica in enumerate(_list(replicas)):
        for key in ("name", "address"):
            value = replica.get(key) if isinstance(replica, dict) else None
            path = f"{where}[{place}].{key}"
            if not isinstance(value, str):
                continue
            if key == "name" and not _REPLICA.fullmatch(value):
                what = f"is {shown(value)}, not a valid name"
                yield problem(path, what, "write letters, digits, . _ and - only")
            elif key == "address" and not _is_address(value):
                yield problem(path, f"is {shown(value)}, not an address", "write host:port")
            elif (key, value) in seen and not (moving and key == "name"):
                what = f"is {shown(value)}, as is {seen[key, value]}"
                yield problem(path, what, "write another, or delete one of the two")
            seen.setdefault((key, value), path)


def _is_address(text: str) -> bool:
    found = _ADDRESS.fullmatch(text)
    return bool(found) and 0 < int(found.group(1)) < 65536 if found else False


def _check_owners(entries: list[tuple[str, dict[Any, Any]]]) -> Iterator[str]:
    owners = {DEFAULT_ALIAS: entries[0][0]} if entries else {}
    for where, backend in entries:
        for label in [backend.get("name"), *_list(backend.get("aliases"))]:
            owner = owners.setdefault(str(label), where)
            if isinstance(label, str) and owner != where:
                what = f"is called {shown(label)}, as is {owner}"
                yield problem(where, what, "give it another name or alias")
