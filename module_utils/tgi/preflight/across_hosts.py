"""Check variables that are right alone, but must agree between gateways and models."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from typing import Any

from ..common.problem import problem, whole
from ..models.replicas import unknown_sources

#: Variables of the other gateways that the rules read
SHARED = ("gateway_server_name", "gateway_tls", "gateway_address")
#: TGI's default for models that do not set payload_limit (router/src/main.rs)
PAYLOAD_LIMIT = 2_000_000


def check_body_size(most: Any, gpu_hosts: Mapping[str, Mapping[str, Any]]) -> Iterator[str]:
    """Refuse a gateway_max_body_size above what a published model accepts.

    The engine would answer a larger body with its own 413, in plain text.
    """
    size = whole(most)
    if size is None:
        return
    for host, values in gpu_hosts.items():
        models = values.get("tgi_models")
        for model in models if isinstance(models, list) else ():
            limit = model.get("payload_limit") if isinstance(model, dict) else None
            taken = PAYLOAD_LIMIT if limit in (None, "") else whole(limit)
            if isinstance(model, dict) and taken is not None and taken < size:
                what = f"is {size}, but {model.get('name')} on {host} accepts only {taken}"
                remedy = f"write {taken}, or payload_limit: {size} for that model"
                yield problem("gateway_max_body_size", what, remedy)
                return


def check_sources(
    values: Mapping[str, Any], gateways: Mapping[str, str], kept: Collection[str]
) -> list[str]:
    """Refuse a firewall that would block gateways whose address this run cannot know.

    ``gateways`` are the others with the address of each, "" if unknown; ``kept`` are the sources
    that the host's firewall lets in.
    """
    if not values.get("tgi_bind_address") or "tgi_allowed_sources" in values:
        return []
    return list(filter(None, [unknown_sources(gateways, kept)]))


def check_challenge(
    tls: Any, name: Any, others: Mapping[str, Mapping[str, Any]], gateway: str
) -> Iterator[str]:
    """Refuse HTTP-01 for a name that several gateways share: ACME may contact the wrong one."""
    if not isinstance(tls, dict) or tls.get("source") != "acme":
        return
    if tls.get("challenge") == "dns-01":
        return
    shared = [
        other
        for other, values in others.items()
        if other != gateway and name and values.get("gateway_server_name") == name
    ]
    if shared:
        what = f"proves {name} by http-01, but {', '.join(shared)} has that name too"
        remedy = "write challenge: dns-01, or give each gateway a name"
        yield problem("gateway_tls", what, remedy)
