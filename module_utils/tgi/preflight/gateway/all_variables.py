"""Check all variables of a gateway except its backends."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterator, Mapping
from typing import Any

from ...common.problem import problem, shown, whole
from ...models.model_rules import ports_of_models
from .browsers import check_origins
from .certificate_source import check_certificate, check_tls
from .client_certificates import check_client_certificates
from .consumers import check_consumers
from .nginx_source import check_nginx
from .pem_files import Reader
from .proxies import check_proxies
from .tiers import check_limits

PORTS = ("gateway_http_port", "gateway_https_port", "gateway_status_port")
_LABEL = r"[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?"
_HOST = re.compile(rf"(?=.{{1,253}}\Z){_LABEL}(?:\.{_LABEL})*")
# The private CA's own file is ca.crt
_RESERVED = "ca"
# Smallest and largest value of each number
_NUMBERS = {
    "gateway_tls_hsts_seconds": (0, 10**9),
    "gateway_tls_leaf_days": (1, 398),
    "gateway_tls_renew_days": (1, 397),
    "gateway_tls_ca_days": (1, 36500),
    "gateway_max_body_size": (1, 10**9),
    "gateway_read_timeout": (1, 10**6),
    "gateway_drained_retry_after": (1, 3600),
    "gateway_shutdown_timeout": (1, 10**6),
    "gateway_reload_timeout": (1, 3600),
    "gateway_stranger_connections": (0, 65535),
    # nginx may hold a connection for 5 s over a reload
    "gateway_keepalive_timeout": (6, 3600),
}
#: Variables that the rules check even if only the default is set
JUDGED = (
    *PORTS,
    "gateway_tls_profile",
    "gateway_tls_leaf_days",
    "gateway_tls_renew_days",
    "gateway_tls_ca_days",
    "gateway_tiers",
    "gateway_consumers",
    "gateway_client_ca",
    "gateway_nginx_source",
    "gateway_trusted_proxies",
)


def check_gateway(values: Mapping[str, Any], read: Reader) -> list[str]:
    """Return the problems of the gateway's variables, except for its backends."""
    name, tls = values.get("gateway_server_name"), values.get("gateway_tls")
    misnamed = list(_check_name(name, tls))
    fits = isinstance(name, str) and not misnamed
    found = misnamed + check_tls(tls, read)
    found += check_certificate(values, str(name) if fits else "", read)
    found += check_client_certificates(values, read)
    found += check_limits(values)
    found += check_consumers(values)
    found += check_proxies(values)
    found += check_origins(values)
    found += check_nginx(values)
    found += _check_ports(values)
    return found + list(_check_numbers(values)) + list(_check_address(values))


def _check_name(name: Any, tls: Any) -> Iterator[str]:
    where = "gateway_server_name"
    remedy = "write the name in the clients' URL, for example llm.example.org"
    if not isinstance(name, str) or not name:
        return
    if not _HOST.fullmatch(name):
        yield problem(where, f"is {shown(name)}, not a host name", remedy)
    elif name.replace(".", "").isdigit():
        yield problem(where, f"is {shown(name)}, which is an address, not a host name", remedy)
    elif name != name.lower():
        remedy = f"write {name.lower()}, as clients send it"
        yield problem(where, f"is {shown(name)}, which has capital letters", remedy)
    elif name == _RESERVED and isinstance(tls, dict) and tls.get("source") == "private_ca":
        what = f"is {shown(name)}, whose certificate would overwrite the private CA's"
        yield problem(where, what, remedy)


def _check_ports(values: Mapping[str, Any]) -> Iterator[str]:
    owners = {port: path for path, port in ports_of_models(values)}
    for name in PORTS:
        port = whole(values.get(name))
        if port is None:
            continue
        if not 0 < port < 65536:
            yield problem(name, f"is {port}, not a port", "write one from 1 to 65535")
        elif port in owners:
            yield problem(name, f"is {port}, as is {owners[port]}", "write another")
        owners.setdefault(port, name)


def _check_numbers(values: Mapping[str, Any]) -> Iterator[str]:
    for name, (least, most) in _NUMBERS.items():
        value = whole(values.get(name))
        if value is not None and not least <= value <= most:
            yield problem(name, f"is {value}", f"write one from {least} to {most}")
    # The first must be less than the second
    for less, more in (("renew", "leaf"), ("leaf", "ca")):
        name, other = f"gateway_tls_{less}_days", f"gateway_tls_{more}_days"
        low, high = whole(values.get(name)), whole(values.get(other))
        if low is not None and high is not None and low >= high:
            yield problem(name, f"is {low}, but {other} is {high}", "write less than that")


def _check_address(values: Mapping[str, Any]) -> Iterator[str]:
    address = values.get("gateway_address")
    if isinstance(address, str) and address:
        try:
            ipaddress.ip_address(address)
        except ValueError:
            remedy = "write the address that the GPU hosts see, such as 10.0.0.2"
            yield problem("gateway_address", f"is {shown(address)}, not an address", remedy)
