"""What the gateway's templates need beyond its variables."""

from __future__ import annotations

import hashlib
import math
import re
from collections.abc import Iterable, Mapping
from typing import Any

from .inventory_models import DEFAULT_ALIAS


def gateway_rate(per_second: Any) -> str:
    """Write a rate, 1/60 or more, as nginx takes it: whole requests per second, else a minute."""
    rate = float(per_second)
    if rate >= 1 and rate.is_integer():
        return f"{int(rate)}r/s"
    return f"{round(rate * 60)}r/m"


def gateway_retry_after(per_second: Any) -> int:
    """Give the seconds, rounded up, until one more request fits into a rate."""
    return max(1, math.ceil(1 / float(per_second)))


def gateway_mark(key: Any) -> str:
    """Give a short digest of what a limit counts by, for the names of its zone and variable.

    nginx keeps its old configuration, without failing, when a zone's key changes under its name.
    """
    return hashlib.sha256(str(key).encode()).hexdigest()[:8]


def gateway_burst(burst: Any) -> str:
    """Give the parameters of limit_req for a burst that is served at once, not queued."""
    return f" burst={int(burst)} nodelay" if int(burst) > 0 else ""


def gateway_models(backends: Iterable[Mapping[str, Any]]) -> dict[str, Any]:
    """Give what the njs code looks up: names to a model, the default one, and /v1/models.

    An alias is listed as a model whose ``root`` is the name it stands for, as vLLM lists
    adapters; the default's alias ``tgi`` works without being listed.
    """
    entries = list(backends)
    names: dict[str, str] = {DEFAULT_ALIAS: entries[0]["name"]}
    listed = []
    for backend in entries:
        for label in [backend["name"], *(backend.get("aliases") or [])]:
            names[label] = backend["name"]
            listed.append(
                {
                    "id": label,
                    "object": "model",
                    "created": 0,
                    "owned_by": backend["model_id"],
                    "root": backend["name"],
                }
            )
    shown_names = ", ".join(entry["id"] for entry in listed)
    page = {"object": "list", "data": listed}
    return {"names": names, "default": entries[0]["name"], "shown": shown_names, "list": page}


def gateway_probe(text: str, oldest: str) -> dict[str, Any]:
    """Read ``nginx -V`` and the lines the role's first task adds to it.

    Returns nginx (version; ``oldest`` when there is none), openssl (the one it runs with),
    installed (nginx and njs are there), present (nginx is) and ipv6 (the host has it).
    """
    nginx = re.search(r"^nginx version: nginx/([0-9.]+)", text, re.M)
    running = re.search(r"running with OpenSSL ([0-9.]+)", text)
    built = re.search(r"built with OpenSSL ([0-9.]+)", text)
    openssl = running or built
    return {
        "nginx": nginx.group(1) if nginx else oldest,
        "openssl": openssl.group(1) if openssl else "3.0.0",
        "present": bool(nginx),
        "installed": bool(nginx) and "\nnjs here" in text,
        "ipv6": "\nipv6 here" in text,
    }
