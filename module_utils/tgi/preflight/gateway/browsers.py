"""Check the origins of web pages that may call from a browser."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from ...common.problem import problem, shown

_ORIGINS = "gateway_cors_origins"
_CERTIFICATE = "gateway_client_certificate_required"
_SAMPLE = "write one such as https://chat.example.org"
# As browsers send it: scheme, host, and a port that is not the scheme's own
_SHAPE = re.compile(r"[a-z][a-z0-9.-]*://(?:[a-z0-9.-]+|\[[0-9a-f:]+\])(?::[0-9]{1,5})?")
_OWN_PORT = re.compile(r"(http://[^/]*):80/?|(https://[^/]*):443/?")


def check_origins(values: Mapping[str, Any]) -> Iterator[str]:
    """Return the problems of gateway_cors_origins; types are checked elsewhere."""
    listed = values.get(_ORIGINS)
    origins = listed if isinstance(listed, list) else []
    for place, origin in enumerate(origins):
        if isinstance(origin, str) and (found := _problem(origin)):
            yield problem(f"{_ORIGINS}[{place}]", f"is {shown(origin)}, {found[0]}", found[1])
    if origins and values.get(_CERTIFICATE) is True:
        remedy = f"delete {_ORIGINS}, or write {_CERTIFICATE}: false"
        what = f"is set, but {_CERTIFICATE} is true, and a browser asks first without a certificate"
        yield problem(_ORIGINS, what, remedy)


def _problem(origin: str) -> tuple[str, str] | None:
    """Return what is wrong with an origin, and the remedy."""
    own_port = _OWN_PORT.fullmatch(origin.lower())
    if "*" in origin:
        return "which is not one origin", f"{_SAMPLE} for each web page"
    if origin == "null":
        return "which any file and sandboxed page has", f"serve the page by http, and {_SAMPLE}"
    if own_port:
        short = own_port.group(1) or own_port.group(2)
        return "and browsers leave out that port", f"write {short}"
    if _SHAPE.fullmatch(origin):
        return None
    if not origin.isascii():
        return "which has letters that browsers encode", "write its name as xn--…"
    if _SHAPE.fullmatch(bare := re.sub(r"(?<=[^/])/(?!/).*", "", origin.lower())):
        return "not as browsers send an origin", f"write {bare}"
    return "not an origin", _SAMPLE
