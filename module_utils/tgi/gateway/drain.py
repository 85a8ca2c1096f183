"""Drain a replica: find its flags, and count its open connections."""

from __future__ import annotations

import contextlib
import ipaddress
import socket
from collections.abc import Collection, Iterable, Mapping
from pathlib import Path

from ..common.files import read
from ..common.problem import problem
from ..host.ports import owners
from .drained import Drained

# ESTABLISHED, SYN_SENT and CLOSE_WAIT: nginx has not closed them
_OPEN = {"01", "02", "08"}
_NGINX = "nginx"
Place = tuple[str, int]


class DrainError(Exception):
    """Refuse a drain; the message says why in one line, and ends with the remedy."""


def flags_of(
    flags: Iterable[str], replica: str, models: Collection[str], strict: bool = True
) -> list[str]:
    """Return those of ``flags`` that are of ``replica`` and of ``models``; no models means all.

    ``strict`` raises DrainError for a replica, or models of it, without any flag.
    """
    every = [flag.partition("@") for flag in flags]
    own = [name for name, _, its in every if its == replica]
    unknown = [name for name in models if name not in own]
    if strict and not own:
        replicas = ", ".join(sorted({its for _, _, its in every}))
        what = f'is "{replica}", which serves no model here'
        raise DrainError(problem("gateway_drain_replica", what, f"write one of {replicas}"))
    if strict and unknown:
        what = f"names {', '.join(unknown)}, which {replica} does not serve"
        raise DrainError(problem("gateway_drain_models", what, f"write some of {', '.join(own)}"))
    return [f"{name}@{replica}" for name in own if name in models or not models]


def due_flags(
    flags: Iterable[str], raised: Mapping[str, Drained], drained: bool, run: bool
) -> tuple[list[str], list[str]]:
    """Return the flags to change, and those that stay as a person made them, each sorted.

    A roll-out (``run``) leaves a person's flags alone. A person takes over a roll-out's flag, so
    that the next run does not take the replica back.
    """
    stay = sorted(flag for flag in flags if run and flag in raised and not raised[flag].run)
    if drained:
        due = (flag for flag in flags if flag not in raised or (raised[flag].run and not run))
    else:
        due = (flag for flag in flags if flag in raised and flag not in stay)
    return sorted(due), stay


def refuse_last(
    flags: Iterable[str], replica: str, due: Iterable[str], raised: Collection[str]
) -> None:
    """Refuse to drain the last replica of a model. Raises DrainError.

    ``flags`` are those of all published replicas, ``due`` those of ``replica`` to make.
    """
    served: dict[str, list[str]] = {}
    for flag in flags:
        served.setdefault(flag.partition("@")[0], []).append(flag)
    last = [
        name
        for name in (flag.partition("@")[0] for flag in due)
        if all(one in raised or one == f"{name}@{replica}" for one in served[name])
    ]
    if last:
        own = [name for name in served if f"{name}@{replica}" in served[name]]
        others = [name for name in own if name not in last]
        remedy = f"write gateway_drain_models: [{', '.join(others)}], or " if others else ""
        what = f"is the last replica to serve {', '.join(last)}"
        raise DrainError(problem(replica, what, f"{remedy}take another replica into service first"))


def asked_for(
    addresses: Mapping[str, list[str]], due: Collection[str], raised: Collection[str], drained: bool
) -> dict[str, list[str]]:
    """Return flag -> addresses of the published replicas to ask before the flags ``due`` change.

    These are the replicas themselves and, before a drain, the others of their models that get
    requests.
    """
    names = {flag.partition("@")[0] for flag in due} if drained else set()
    return {
        flag: its
        for flag, its in addresses.items()
        if flag in due or (flag.partition("@")[0] in names and flag not in raised)
    }


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


def only_silent(
    flags: Iterable[str],
    replica: str,
    due: Iterable[str],
    raised: Collection[str],
    faults: Mapping[str, str],
) -> list[str]:
    """Return those of ``due`` whose replica does not serve, while another one of the model does.

    ``faults`` are as in :func:`refuse_last_healthy`.
    """
    found, known = [], list(flags)
    for flag in due:
        name = flag.partition("@")[0]
        others = [one for one in faults if one.startswith(f"{name}@") and one != flag]
        if faults.get(flag) and not all(faults[one] for one in others):
            with contextlib.suppress(DrainError):
                refuse_last(known, replica, [flag], raised)
                found.append(flag)
    return found


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
