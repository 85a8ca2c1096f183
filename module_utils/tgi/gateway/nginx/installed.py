"""Which nginx a host has, and whether it can do what the gateway's variables ask."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from ...common.problem import problem

#: The first njs with a dictionary that workers share
SHARED_MEMORY = (0, 8)
# nginx.org's packages carry nginx's own version in front of njs's
_NJS = re.compile(r"^package \S*(?:njs|http-js) (?:[0-9]:)?(?:\S+\+)?([0-9]+\.[0-9.]+)", re.M)


def nginx_probe(text: str, oldest: str, source: str = "distro") -> dict[str, Any]:
    """Read ``nginx -V`` and the lines the role's first task adds to it.

    Returns nginx (version; ``oldest`` when there is none), openssl (the one it runs with), njs
    (version, empty when its package is not known), installed (nginx and njs are there), present
    (nginx is), ipv6 (the host has it), ours (a gateway is in force), acme (certbot's files for it
    are there), certificates (the names they are for), certbot (its packages are) and layout
    (distro or nginx_org: whose package it is, or shall be when there is none).
    """
    nginx = re.search(r"^nginx version: nginx/([0-9.]+)", text, re.M)
    running = re.search(r"running with OpenSSL ([0-9.]+)", text)
    built = re.search(r"built with OpenSSL ([0-9.]+)", text)
    njs = _NJS.search(text)
    openssl = running or built
    if nginx:
        theirs = "--user=nginx" in text or "\npackage nginx-module-njs " in text
        source = "nginx_org" if theirs else "distro"
    return {
        "nginx": nginx.group(1) if nginx else oldest,
        "openssl": openssl.group(1) if openssl else "3.0.0",
        "njs": njs.group(1) if njs else "",
        "present": bool(nginx),
        "installed": bool(nginx) and "\nnjs here" in text,
        "ipv6": "\nipv6 here" in text,
        "ours": "\ngateway here" in text,
        "acme": "\nacme here" in text,
        "certificates": re.findall(r"(?m)^certificate (\S+)$", text),
        "certbot": "\ncertbot here" in text,
        "layout": source,
    }


def nginx_host_problems(tiers: Any, nginx: Mapping[str, Any]) -> list[str]:
    """Give the reasons why this host's nginx (of :func:`nginx_probe`) cannot do what is asked.

    Budgets need njs's memory that workers share. An njs that is not there yet is not judged.
    """
    parts = [int(part) for part in str(nginx["njs"]).split(".")[:2] if part]
    if not parts or tuple(parts) >= SHARED_MEMORY:
        return []
    return [
        problem(
            f"gateway_tiers.{name}.tokens_per_minute",
            f"needs njs 0.8, this host has {nginx['njs']}",
            "leave it out, use Debian 13 or Ubuntu 24.04, or write gateway_nginx_source: nginx_org",
        )
        for name, tier in (tiers.items() if isinstance(tiers, dict) else ())
        if isinstance(tier, dict) and tier.get("tokens_per_minute")
    ]
