"""Drain a replica: find its flags, and count its open connections."""

from __future__ import annotations

import ipaddress
import socket
from collections.abc import Collection, Iterable, Mapping
from pathlib import Path
from typing import Any

from ..common.files import read
from ..common.problem import problem
from ..host.ports import owners
from .render.upstreams import ALL_SETS

# ESTABLISHED, SYN_SENT and CLOSE_WAIT: nginx has not closed them
_OPEN = {"01", "02", "08"}
_NGINX = "nginx"
# With more replicas than ALL_SETS the gateway heeds two flags of a model
_MOST_OF_MANY = 2
Place = tuple[str, int]


class DrainError(Exception):
    """Refuse a drain; the message says why in one line, and ends with the remedy."""


def flags_of(
    backends: Iterable[Mapping[str, Any]],
    replica: str,
    models: Collection[str],
    drained: bool,
    raised: Collection[str],
) -> dict[str, str]:
    """Return flag -> address (host:port) for each model of ``replica``, or those of ``models``.

    ``backends`` is gateway_backends as nginx serves it, ``raised`` the flags that exist. Raises
    DrainError for an unknown replica or model, and, when ``drained``, for the last replica of
    a model.
    """
    served = {
        backend["name"]: {one["name"]: one["address"] for one in backend["replicas"]}
        for backend in backends
    }
    replicas = sorted({name for its in served.values() for name in its})
    if replica not in replicas:
        where, remedy = "gateway_drain_replica", f"write one of {', '.join(replicas)}"
        raise DrainError(problem(where, f'is "{replica}", which serves no model here', remedy))
    own = [name for name, its in served.items() if replica in its]
    unknown = [name for name in models if name not in own]
    if unknown:
        what = f"names {', '.join(unknown)}, which {replica} does not serve"
        raise DrainError(problem("gateway_drain_models", what, f"write some of {', '.join(own)}"))
    chosen = [name for name in own if name in models or not models]
    if drained:
        _refuse_too_many(served, replica, chosen, raised)
    return {f"{name}@{replica}": served[name][replica] for name in chosen}


def _refuse_too_many(
    served: Mapping[str, Mapping[str, str]],
    replica: str,
    chosen: list[str],
    raised: Collection[str],
) -> None:
    last, many = [], []
    for name in chosen:
        others = [one for one in served[name] if one != replica]
        out = [one for one in others if f"{name}@{one}" in raised]
        if len(out) == len(others):
            last.append(name)
        elif len(served[name]) > ALL_SETS and len(out) >= _MOST_OF_MANY:
            many.append(name)
    if last:
        others = [name for name in served if name not in last and replica in served[name]]
        remedy = f"write gateway_drain_models: [{', '.join(others)}], or " if others else ""
        what = f"is the last replica to serve {', '.join(last)}"
        raise DrainError(problem(replica, what, f"{remedy}take another replica into service first"))
    if many:
        what = f"would be the third drained replica of {', '.join(many)}"
        raise DrainError(problem(replica, what, "take another replica into service first"))


def asked_for(
    backends: Iterable[Mapping[str, Any]], due: Collection[str], raised: Collection[str]
) -> dict[str, str]:
    """Return flag -> address of the replicas to ask before the flags ``due`` change.

    These are the replicas themselves, and the others of their models that get requests.
    """
    names = {flag.partition("@")[0] for flag in due}
    flags = {
        f"{backend['name']}@{one['name']}": str(one["address"])
        for backend in backends
        if backend["name"] in names
        for one in backend["replicas"]
    }
    return {flag: address for flag, address in flags.items() if flag in due or flag not in raised}


def refuse_last_healthy(replica: str, due: Iterable[str], faults: Mapping[str, str]) -> None:
    """Refuse to drain the last replica that serves a model. Raises DrainError.

    ``faults`` has the reason why a replica of :func:`asked_for` does not serve, "" if it does.
    """
    last, why = [], []
    for flag in due:
        name = flag.partition("@")[0]
        others = [one for one in faults if one.startswith(f"{name}@") and one != flag]
        if not faults[flag] and all(faults[one] for one in others):
            last.append(name)
            why += [f"{one}: {faults[one]}" for one in others]
    if last:
        what = f"is the last replica that serves {', '.join(last)} ({', '.join(why)})"
        raise DrainError(problem(replica, what, "wait until another one serves, or repair it"))


def refuse_unserved(replica: str, due: Iterable[str], faults: Mapping[str, str]) -> None:
    """Refuse to send requests to a replica that does not serve. Raises DrainError."""
    bad = {flag.partition("@")[0]: faults[flag] for flag in due if faults[flag]}
    if not bad:
        return
    good = [flag.partition("@")[0] for flag in due if not faults[flag]]
    remedy = f"write gateway_drain_models: [{', '.join(good)}], or " if good else ""
    what = f"does not serve {', '.join(f'{name} ({said})' for name, said in bad.items())}"
    remedy += "wait until it has loaded, or run site.yml --tags tgi for that host"
    raise DrainError(problem(replica, what, remedy))


def places(addresses: Iterable[str]) -> set[Place]:
    """Return the (numeric address, port) of texts host:port; names are resolved."""
    found: set[Place] = set()
    for address in addresses:
        host, _, port = address.rpartition(":")
        for entry in socket.getaddrinfo(host.strip("[]"), int(port), type=socket.SOCK_STREAM):
            found.add((str(entry[4][0]), int(port)))
    return found


def under_way(proc: Path, wanted: Collection[Place]) -> int:
    """Count nginx's connections to ``wanted``, with the idle ones that it keeps for later."""
    inodes = set()
    for table in ("tcp", "tcp6"):
        for line in read(proc / "net" / table).splitlines()[1:]:
            fields = line.split()
            if len(fields) > 9 and fields[3] in _OPEN and _place(fields[2]) in wanted:
                inodes.add(fields[9])
    found = owners(proc, inodes) if inodes else {}
    return sum(1 for owner in found.values() if owner.command == _NGINX)


def _place(text: str) -> Place:
    """Read an address of /proc/net/tcp: words of 32 bits, each with its bytes reversed."""
    address, _, port = text.partition(":")
    words = [bytes.fromhex(address[at : at + 8])[::-1] for at in range(0, len(address), 8)]
    return str(ipaddress.ip_address(b"".join(words))), int(port, 16)
