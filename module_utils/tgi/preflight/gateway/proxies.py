"""Check the load balancers that a gateway trusts."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterator, Mapping
from typing import Any

from ...common.problem import UNKNOWN, closest, problem, shown

_NETWORKS = "gateway_trusted_proxies"
_HEADER = "gateway_real_ip_header"
# nginx drops headers with other characters
_TOKEN = re.compile(r"[A-Za-z][A-Za-z0-9-]*")
#: Headers of balancers and content networks that hold an address, or a list of addresses
_ADDRESSES = (
    "X-Forwarded-For", "X-Real-IP", "X-Client-IP", "X-Cluster-Client-IP",
    "X-Original-Forwarded-For",
    "X-Envoy-External-Address", "X-Azure-ClientIP", "X-Azure-SocketIP", "X-AppEngine-User-IP",
    "True-Client-IP", "CF-Connecting-IP", "CF-Connecting-IPv6", "CF-Pseudo-IPv4", "Client-IP",
    "Fastly-Client-IP", "Fly-Client-IP", "DO-Connecting-IP", "Incap-Client-IP", "Ali-CDN-Real-IP",
    "Akamai-Client-IP", "CloudFront-Viewer-Address", "X-Sucuri-ClientIP", "X-Remote-IP",
)  # fmt: skip
#: Headers in which nginx finds no address
_OTHERWISE = re.compile(
    r"(?i)forwarded|via|host|origin|referer|user-agent|cookie|authorization|connection|x-forwarded|"
    r"x-forwarded-(?!for$).+|x-(?:scheme|request-id|original-(?:url|host|proto))|x-amzn-trace-id"
)
# No zones and no netmasks: nginx cannot read them
_SHAPE = re.compile(r"[0-9A-Fa-f.:]+(?:/[0-9]{1,3})?")
_IPV4 = ipaddress.IPv6Network("::ffff:0:0/96")


def check_proxies(values: Mapping[str, Any]) -> Iterator[str]:
    """Return the problems of gateway_trusted_proxies and gateway_real_ip_header."""
    networks, header = values.get(_NETWORKS), values.get(_HEADER)
    for place, network in enumerate(networks if isinstance(networks, list) else []):
        if isinstance(network, str):
            yield from _check_network(network, f"{_NETWORKS}[{place}]")
    if not isinstance(header, str):
        return
    if header == "proxy_protocol":
        if not networks and networks is not UNKNOWN:
            what = f"is proxy_protocol, but {_NETWORKS} is empty"
            yield problem(_HEADER, what, "list the balancers' networks there")
    elif not _TOKEN.fullmatch(header):
        remedy = "write a name such as X-Forwarded-For (letters, digits and -), or proxy_protocol"
        yield problem(_HEADER, f"is {shown(header)}, not a header name", remedy)
    elif _OTHERWISE.fullmatch(header):
        what = (
            f"is {shown(header)}, in which nginx reads no address: all clients would share limits"
        )
        remedy = "let the balancer send X-Forwarded-For, and write that, or proxy_protocol"
        yield problem(_HEADER, what, remedy)
    elif meant := _meant(header):
        what = f"is {shown(header)}, which no balancer sends"
        yield problem(_HEADER, what, f"write {meant}")


def _meant(header: str) -> str:
    """Return the known header of which this is a misspelling, or ""."""
    known = {name.lower(): name for name in (*_ADDRESSES, "proxy_protocol")}
    name = header.lower()
    return "" if name in known else known.get(closest(name, known, cutoff=0.85), "")


def _check_network(text: str, where: str) -> Iterator[str]:
    remedy = "write a network such as 10.0.0.0/24, or one address"
    try:
        network = ipaddress.ip_network(text, strict=False) if _SHAPE.fullmatch(text) else None
    except ValueError:
        network = None
    if network is None:
        yield problem(where, f"is {shown(text)}, not a network", remedy)
        return
    address, _, prefix = text.partition("/")
    # An IPv6 network that contains all of IPv4 excludes no address
    all_of_it = network.prefixlen == 0 or (
        network.version == 6 and network.overlaps(_IPV4) and network.prefixlen <= _IPV4.prefixlen
    )
    if all_of_it:
        what = f"is {shown(text)}, so every client could choose its address and evade the limits"
        yield problem(where, what, "write the networks of your balancers only")
    elif prefix and ipaddress.ip_address(address) != network.network_address:
        what = f"is {shown(text)}, an address within a network"
        yield problem(where, what, f"write {network}, or {address} without a prefix")
