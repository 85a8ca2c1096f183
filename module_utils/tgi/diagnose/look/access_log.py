"""Read nginx's access log: whose addresses clients have, and what engines refused of them."""

from __future__ import annotations

import ipaddress
import json
import re
from pathlib import Path
from typing import Any

#: Bytes of the log's end that are read: a few hundred requests.
_TAIL = 128 * 1024
_TRUSTED = re.compile(r"\bset_real_ip_from\s+([^;\s]+);")


def read_addresses(log: Path, configuration: str) -> dict[str, Any]:
    """Return how many of the last requests there were, and how many have a balancer's own address.

    ``requests`` counts all but those for /health, ``hidden`` those from an address that
    ``configuration`` (nginx.conf) trusts, and ``address`` is the last of these. Returns {} where
    no balancer is trusted or the log cannot be read.
    """
    try:
        networks = [ipaddress.ip_network(one) for one in _TRUSTED.findall(configuration)]
        lines = _last_lines(log)
    except (OSError, ValueError):
        return {}
    requests, hidden, last = 0, 0, ""
    for line in lines if networks else ():
        try:
            entry = json.loads(line)
            address = ipaddress.ip_address(entry["ip"])
            asks_health = str(entry["path"]).endswith("/health")
        except (ValueError, KeyError, TypeError):
            # The first line is cut
            continue
        if asks_health:
            continue
        requests += 1
        if any(address in network for network in networks):
            hidden, last = hidden + 1, str(address)
    return {"requests": requests, "hidden": hidden, "address": last} if networks else {}


def read_refusals(log: Path) -> dict[str, int]:
    """Return how many of the last requests asked OpenAI's routes, and how many an engine refused.

    An engine answers 422 for what it cannot read. Returns {} where the log cannot be read.
    """
    try:
        lines = _last_lines(log)
    except OSError:
        return {}
    statuses = [status for line in lines for status in _engine_status(line)]
    return {"asked": len(statuses), "refused": statuses.count("422")}


def _engine_status(line: str) -> list[str]:
    """Return the engine's status of a request to OpenAI's routes; [] for any other line."""
    try:
        entry = json.loads(line)
        asked = entry["method"] == "POST" and str(entry["path"]).startswith("/v1/")
        # A request that was sent again has one for each replica
        return [str(entry["upstream_status"]).rpartition(" ")[2]] if asked else []
    except (ValueError, KeyError, TypeError):
        return []


def _last_lines(log: Path) -> list[str]:
    with log.open("rb") as file:
        file.seek(max(0, log.stat().st_size - _TAIL))
        return file.read().decode("utf-8", "replace").splitlines()
