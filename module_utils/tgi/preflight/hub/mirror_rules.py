"""Check the variables of the role hub_mirror."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from ...common.problem import problem, shown
from ...models.host_weights import is_commit

_REPOSITORY = re.compile(r"[\w.-]+/[\w.-]+", re.ASCII)
_PEM = {
    "hub_mirror_certificate": "-----BEGIN CERTIFICATE-----",
    "hub_mirror_key": "PRIVATE KEY-----",
}


def check_mirror(values: Mapping[str, Any], read: Callable[[str], str | None]) -> Iterator[str]:
    """Yield the problems of the variables that are set; types are checked elsewhere.

    ``read`` returns the beginning of a file on the controller, or None.
    """
    address = values.get("hub_mirror_address")
    if isinstance(address, str) and address and not _is_network(address, single=True):
        remedy = "write an address of the host, or nothing for all"
        yield problem("hub_mirror_address", f"is {shown(address)}, no IP address", remedy)
    allowed = values.get("hub_mirror_allowed")
    if allowed == []:
        remedy = "write the networks of the GPU hosts, such as [10.0.0.0/24]"
        yield problem("hub_mirror_allowed", "is empty, so no host may fetch", remedy)
    for place, one in enumerate(allowed if isinstance(allowed, list) else []):
        if not _is_network(str(one)):
            what = f"is {shown(one)}, no address and no network"
            yield problem(f"hub_mirror_allowed[{place}]", what, "write one such as 10.0.0.0/24")
    endpoint = values.get("hub_mirror_endpoint")
    if isinstance(endpoint, str) and not re.match(r"https?://[^/]", endpoint):
        what = f"is {shown(endpoint)}, no address of a server"
        yield problem("hub_mirror_endpoint", what, "write https://HOST of the Hub, or of a mirror")
    cache = values.get("hub_mirror_cache_dir")
    if isinstance(cache, str) and not re.fullmatch(r"/[\w./-]*\w/?", cache, re.ASCII):
        remedy = "write an absolute one of letters, digits and . _ -"
        yield problem("hub_mirror_cache_dir", f"is {shown(cache)}, no path for systemd", remedy)
    yield from _check_snapshots(values.get("hub_mirror_more_snapshots"))
    paths = {name: str(values.get(name) or "") for name in _PEM}
    for name, mark in _PEM.items():
        if any(paths.values()) and not paths[name]:
            remedy = "write both, or neither for plain HTTP"
            yield problem(name, f"is empty, and {_other(name)} is not", remedy)
        elif paths[name] and mark not in (read(paths[name]) or ""):
            what = f"names {paths[name]}, which is no such PEM file of this machine"
            yield problem(name, what, "put the file there, or correct its path")


def _check_snapshots(listed: Any) -> Iterator[str]:
    for place, one in enumerate(listed if isinstance(listed, list) else []):
        where = f"hub_mirror_more_snapshots[{place}]"
        given = one if isinstance(one, dict) else {}
        name, revision = str(given.get("repository") or ""), given.get("revision")
        if name and not _REPOSITORY.fullmatch(name):
            yield problem(f"{where}.repository", f"is {shown(name)}, no model", "write org/name")
        if revision and not is_commit(str(revision)):
            what = f"is {shown(revision)}, and a mirror has commits only"
            yield problem(f"{where}.revision", what, "write 40 hex digits")


def _other(name: str) -> str:
    return next(other for other in _PEM if other != name)


def _is_network(text: str, single: bool = False) -> bool:
    try:
        ipaddress.ip_address(text) if single else ipaddress.ip_network(text)
    except ValueError:
        return False
    return True
