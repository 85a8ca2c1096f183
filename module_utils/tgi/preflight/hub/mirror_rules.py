"""Check the variables of the role hub_mirror."""

from __future__ import annotations

import ipaddress
import itertools
import re
from collections.abc import Collection, Iterator, Mapping
from typing import Any

from ...common.pem_text import CERTIFICATE
from ...common.problem import problem, shown, whole
from ...models.host_weights import is_commit
from ...models.model_rules import ports_of_models
from ..gateway.all_variables import PORTS
from ..gateway.pem_files import Reader, check_pem

_REPOSITORY = re.compile(r"[\w.-]+/[\w.-]+", re.ASCII)
#: The default of hub_mirror_port
_PORT = 8070
_PEM = {"hub_mirror_certificate": CERTIFICATE, "hub_mirror_key": "PRIVATE KEY"}


def check_mirror(values: Mapping[str, Any], read: Reader) -> Iterator[str]:
    """Yield the problems of the variables that are set; types are checked elsewhere."""
    address = values.get("hub_mirror_address")
    if isinstance(address, str) and address and not _is_address(address):
        remedy = "write an address of the host, or nothing for all"
        yield problem("hub_mirror_address", f"is {shown(address)}, no IP address", remedy)
    allowed = values.get("hub_mirror_allowed")
    if allowed == []:
        remedy = "write the networks of the GPU hosts, such as [10.0.0.0/24]"
        yield problem("hub_mirror_allowed", "is empty, so no host may fetch", remedy)
    for place, one in enumerate(allowed if isinstance(allowed, list) else []):
        yield from _check_network(str(one), f"hub_mirror_allowed[{place}]")
    endpoint = values.get("hub_mirror_endpoint")
    if isinstance(endpoint, str) and not re.match(r"https?://[^/]", endpoint):
        what = f"is {shown(endpoint)}, no address of a server"
        yield problem("hub_mirror_endpoint", what, "write https://HOST of the Hub, or of a mirror")
    cache = values.get("hub_mirror_cache_dir")
    if isinstance(cache, str) and not re.fullmatch(r"/[\w./-]*\w/?", cache, re.ASCII):
        remedy = "write an absolute one of letters, digits and . _ -"
        yield problem("hub_mirror_cache_dir", f"is {shown(cache)}, no path for systemd", remedy)
    yield from _check_snapshots(values.get("hub_mirror_more_snapshots"))
    for name, content in _PEM.items() if any(values.get(name) for name in _PEM) else ():
        if values.get(name):
            yield from check_pem(name, values[name], content, read)
        else:
            remedy = "write both, or neither for plain HTTP"
            yield problem(name, f"is empty, and {_other(name)} is not", remedy)


def check_mirror_port(values: Mapping[str, Any], groups: Collection[str]) -> Iterator[str]:
    """Yield that the mirror's port is also one of the gateway's or a model's on the same host."""
    port = whole(values.get("hub_mirror_port"))
    named = [(name, whole(values.get(name))) for name in PORTS if "gateways" in groups]
    named += ports_of_models(values) if "gpu_hosts" in groups else []
    owners = {other: name for name, other in named}
    if port in owners:
        free = next(one for one in itertools.count(_PORT) if one not in owners)
        what = f"is {port}, as is {owners[port]} of the same host"
        yield problem("hub_mirror_port", what, f"write another, such as {free}")


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


def _check_network(text: str, where: str) -> Iterator[str]:
    try:
        network = ipaddress.ip_network(text, strict=False)
    except ValueError:
        what = f"is {shown(text)}, no address and no network"
        yield problem(where, what, "write one such as 10.0.0.0/24")
        return
    if network.prefixlen == 0:
        what = f"is {shown(text)}, so everybody may fetch, gated weights too"
        yield problem(where, what, "write the networks of the GPU hosts")
    elif ipaddress.ip_address(text.partition("/")[0]) != network.network_address:
        what = f"is {shown(text)}, an address within a network"
        yield problem(where, what, f"write {network}, or the address without a prefix")


def _is_address(text: str) -> bool:
    try:
        ipaddress.ip_address(text)
    except ValueError:
        return False
    return True
