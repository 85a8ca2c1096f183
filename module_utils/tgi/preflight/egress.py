"""Check what the models' containers may connect to."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterator, Mapping
from typing import Any

from ..common.problem import problem, shown
from ..models import hub_cache
from ..models.host_weights import is_fetched
from ..models.resolve import normalise
from .host_request import known_environment

_ALLOWED = "tgi_egress_allowed"


def allowed_networks(values: Mapping[str, Any]) -> tuple[str, ...]:
    """Return the IPv4 networks of tgi_egress_allowed; others have been reported."""
    given = values.get(_ALLOWED)
    return tuple(str(one) for one in given if _network(one)) if isinstance(given, list) else ()


def _network(text: Any) -> ipaddress.IPv4Network | None:
    try:
        return ipaddress.IPv4Network(str(text), strict=False)
    except ValueError:
        return None


def check_egress(values: Mapping[str, Any]) -> Iterator[str]:
    """Yield networks that are none, and models that would need the Hub and cannot reach it."""
    given = values.get(_ALLOWED)
    for place, one in enumerate(given if isinstance(given, list) else []):
        if isinstance(one, str) and not _network(one):
            remedy = "write addresses or networks, such as 10.0.0.9 or 10.0.0.0/28"
            yield problem(f"{_ALLOWED}[{place}]", f"is {shown(one)}, not an IPv4 network", remedy)
    if values.get("tgi_egress") != "none" or given:
        return
    for entry in normalise(values.get("tgi_models")):
        environment = known_environment(entry["environment"], values.get("tgi_environment"))
        fetched = is_fetched(entry, str(values.get("tgi_weights")))
        if fetched or entry["model_id"].startswith("/") or hub_cache.is_offline(environment):
            continue
        yield problem(
            f"tgi_models[{entry['place']}]",
            "asks the Hub at each start, which tgi_egress: none forbids",
            "write weights: host for it, which fetches its weights before it starts",
        )
