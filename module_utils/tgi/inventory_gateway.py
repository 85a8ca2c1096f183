"""Whether a gateway's certificate, tiers, consumers and ports fit together."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from .inventory_models import ports_of_models
from .inventory_problem import UNKNOWN, closest, number, problem, shown, whole

# Reads the beginning of a file of the controller; None if there is none that can be read
Reader = Callable[[str], "str | None"]
SHORTEST_KEY = 16
PORTS = ("gateway_http_port", "gateway_https_port", "gateway_status_port")
_HOST = re.compile(r"(?!-)[A-Za-z0-9.-]{1,253}")
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")
# What a client can send after "Bearer " and nginx can hold in a map
_KEY = re.compile(r"[A-Za-z0-9._~+/=-]+")
_TIER = ("requests_per_second", "burst", "concurrent")
_VAULTED = "$ANSIBLE_VAULT"


def check_gateway(values: Mapping[str, Any], groups: list[str], read: Reader) -> list[str]:
    """Give the problems of the gateway's variables on a host of the group gateways."""
    found = []
    if "gpu_hosts" not in groups:
        remedy = "add the host to gpu_hosts too; a gateway publishes its own machine's models"
        found.append(problem("group gateways", "has this host, gpu_hosts has not", remedy))
    name = values.get("gateway_server_name")
    if isinstance(name, str) and not _HOST.fullmatch(name):
        remedy = "write the name in the clients' URL, for example llm.example.org"
        found.append(problem("gateway_server_name", f"is {shown(name)}, no host name", remedy))
    found += _check_tls(values.get("gateway_tls"), read)
    found += _check_tiers(values.get("gateway_tiers"))
    found += _check_consumers(values)
    found += _check_ports(values)
    return found


def _check_tls(tls: Any, read: Reader) -> Iterator[str]:
    source = tls.get("source") if isinstance(tls, dict) else None
    if source == "files":
        yield from _check_pem(tls, "certificate", "CERTIFICATE", read)
        yield from _check_pem(tls, "key", "PRIVATE KEY", read)
    if source == "private_ca" and tls.get("ca_dir") is not UNKNOWN:
        yield from _check_path("gateway_tls.ca_dir", tls.get("ca_dir"))


def _check_pem(tls: dict[str, Any], key: str, content: str, read: Reader) -> Iterator[str]:
    where, path = f"gateway_tls.{key}", tls.get(key)
    if path is UNKNOWN:
        return
    wrong = list(_check_path(where, path))
    head = None if wrong else read(str(path))
    if wrong:
        yield wrong[0]
    elif head is None:
        remedy = "put the file there, write the path it has, or write source: private_ca"
        yield problem(where, f"is {path}, which the controller cannot read", remedy)
    elif not re.search(rf"-----BEGIN [A-Z ]*{content}-----", head) and _VAULTED not in head:
        yield problem(where, f"is {path}, which holds no {content}", "write a PEM file's path")


def _check_path(where: str, path: Any) -> Iterator[str]:
    remedy = 'write an absolute path on the controller, such as "{{ inventory_dir }}/pki/…"'
    if not isinstance(path, str) or not path:
        yield problem(where, "is missing", remedy)
    elif not path.startswith("/"):
        yield problem(where, f"is {shown(path)}, which depends on where Ansible runs", remedy)


def _check_tiers(tiers: Any) -> Iterator[str]:
    for name, tier in tiers.items() if isinstance(tiers, dict) else ():
        where = f"gateway_tiers.{name}"
        if not _NAME.fullmatch(str(name)):
            yield problem(where, "is no name for a tier", "write letters, digits, . _ and - only")
        if tier is UNKNOWN:
            continue
        if not isinstance(tier, dict):
            sample = "{requests_per_second: 10, burst: 20, concurrent: 8}"
            yield problem(where, f"is {shown(tier)}, not a mapping", f"write {sample}")
            continue
        for key in tier:
            if key not in _TIER:
                remedy = f"write {closest(str(key), _TIER) or ', '.join(_TIER)}"
                yield problem(f"{where}.{key}", "is no limit of a tier", remedy)
        for key in _TIER:
            value = tier.get(key)
            if value is None:
                yield problem(f"{where}.{key}", "is missing", f"write {key}: and a number")
            elif value is not UNKNOWN and not _is_limit(key, value):
                whole_one = "write a whole number, 0 or more"
                remedy = "write more than 0" if key == _TIER[0] else whole_one
                yield problem(f"{where}.{key}", f"is {shown(value)}", remedy)


def _is_limit(key: str, value: Any) -> bool:
    if key == "requests_per_second":
        return (number(value) or 0) > 0
    count = whole(value)
    return count is not None and count >= 0


def _check_consumers(values: Mapping[str, Any]) -> Iterator[str]:
    consumers, tiers = values.get("gateway_consumers"), values.get("gateway_tiers")
    entries = consumers if isinstance(consumers, list) else []
    names: dict[str, str] = {}
    keys: dict[str, str] = {}
    for place, consumer in enumerate(entries):
        if not isinstance(consumer, dict):
            continue
        where = f"gateway_consumers[{place}]"
        name, tier = consumer.get("name"), consumer.get("tier")
        if isinstance(name, str):
            if not _NAME.fullmatch(name):
                remedy = "write letters, digits, . _ and - only"
                yield problem(f"{where}.name", f"is {shown(name)}, no name", remedy)
            if name in names:
                remedy = "write another, or put the keys of both into one entry"
                yield problem(f"{where}.name", f"is {shown(name)}, as is {names[name]}", remedy)
            names.setdefault(name, f"{where}.name")
        if isinstance(tier, str) and isinstance(tiers, dict) and tier not in tiers:
            known = closest(tier, map(str, tiers)) or ", ".join(map(str, tiers))
            remedy = f"{f'write {known}, or ' if known else ''}add {tier} to gateway_tiers"
            yield problem(f"{where}.tier", f"is {shown(tier)}, which gateway_tiers lacks", remedy)
        yield from _check_keys(consumer.get("keys"), f"{where}.keys", keys)
    yield from _check_prober(values.get("checks_consumer"), entries)


def _check_keys(keys: Any, where: str, seen: dict[str, str]) -> Iterator[str]:
    remedy = "write the output of openssl rand -hex 32, in a vault file"
    if isinstance(keys, list) and not keys:
        yield problem(where, "is empty", remedy)
    for place, key in enumerate(keys if isinstance(keys, list) else []):
        path = f"{where}[{place}]"
        if not isinstance(key, str):
            continue
        if len(key) < SHORTEST_KEY:
            yield problem(path, f"has {len(key)} characters, {SHORTEST_KEY} are the least", remedy)
        elif not _KEY.fullmatch(key):
            yield problem(path, "has characters that a Bearer token cannot have", remedy)
        elif key in seen:
            yield problem(path, f"is the same key as {seen[key]}", remedy)
        seen.setdefault(key, path)


def _check_prober(name: Any, consumers: list[Any]) -> Iterator[str]:
    if not isinstance(name, str) or not name:
        return
    entries = [entry for entry in consumers if isinstance(entry, dict)]
    mine = [entry for entry in entries if entry.get("name") == name]
    # An empty list of keys has been reported at its own place
    if not mine or mine[0].get("keys") is None:
        what = f"is {shown(name)}, of which gateway_consumers has no entry with a key"
        remedy = "add one to gateway_consumers for the checks, or write the name of another"
        yield problem("checks_consumer", what, remedy)


def _check_ports(values: Mapping[str, Any]) -> Iterator[str]:
    owners = {port: path for path, _, port in ports_of_models(values)}
    for name in PORTS:
        port = whole(values.get(name))
        if port is None:
            continue
        if not 0 < port < 65536:
            yield problem(name, f"is {port}, no port", "write one from 1 to 65535")
        elif port in owners:
            yield problem(name, f"is {port}, as is {owners[port]}", "write another")
        owners.setdefault(port, name)
