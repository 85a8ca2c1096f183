"""Find out who listens on the ports that the models and the gateway need."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Collection, Iterable, Mapping
from pathlib import Path
from typing import NamedTuple

from ..common.files import read
from ..common.problem import problem

_LISTEN = "0A"


class Owner(NamedTuple):
    """A listening process; both fields are None where it is unknown."""

    command: str | None = None
    pid: int | None = None


class WantedPort(NamedTuple):
    """A port that must be free, and the variable that sets it."""

    port: int
    variable: str
    #: Command that may hold the port because we started it; "" when none may
    ours: str = ""
    #: Name of the model that will listen there; "" for a gateway
    model: str = ""


def listening(tables: Collection[str]) -> dict[int, set[str]]:
    """Return port -> inodes of listening sockets, from texts of /proc/net/tcp and tcp6."""
    ports: dict[int, set[str]] = {}
    for table in tables:
        for line in table.splitlines()[1:]:
            fields = line.split()
            if len(fields) > 9 and fields[3] == _LISTEN:
                port = int(fields[1].rpartition(":")[2], 16)
                ports.setdefault(port, set()).add(fields[9])
    return ports


def owners(proc: Path, inodes: Collection[str]) -> dict[str, Owner]:
    """Return inode -> owner for the sockets whose process can be inspected."""
    found: dict[str, Owner] = {}
    for process in proc.iterdir():
        if not process.name.isdigit():
            continue
        for inode in _sockets(process) & set(inodes):
            found[inode] = Owner(read(process / "comm").strip() or None, int(process.name))
    return found


def _sockets(process: Path) -> set[str]:
    """Return the inodes of a process's sockets; processes come and go while they are read."""
    found: set[str] = set()
    try:
        for entry in (process / "fd").iterdir():
            with contextlib.suppress(OSError):
                match = re.fullmatch(r"socket:\[(\d+)\]", str(entry.readlink()))
                found.update(match.groups() if match else ())
    except OSError:
        pass
    return found


def find_owners(proc: Path, ports: Collection[int]) -> dict[int, Owner]:
    """Return port -> owner for those of ``ports`` that are taken."""
    tables = [read(proc / "net" / name) for name in ("tcp", "tcp6")]
    taken = {port: inodes for port, inodes in listening(tables).items() if port in ports}
    known = owners(proc, set().union(*taken.values())) if taken else {}
    return {
        port: next((known[inode] for inode in sorted(inodes) if inode in known), Owner())
        for port, inodes in taken.items()
    }


def check_ports(wanted: Iterable[WantedPort], taken: Mapping[int, Owner]) -> list[str]:
    """Refuse ports that another program listens on."""
    found = []
    for one in wanted:
        owner = taken.get(one.port)
        if owner is None or (one.ours and owner.command == one.ours):
            continue
        who = f"{owner.command} (pid {owner.pid})" if owner.command else "an unknown process"
        remedy = f"stop it, or write another port as {one.variable}"
        found.append(problem(f"port {one.port}", f"is taken by {who}", remedy))
    return found


def check_moves(wanted: Collection[WantedPort], published: Mapping[int, str]) -> list[str]:
    """Refuse a port that another model of the list still publishes.

    Models start in the order of the list, so the port would not be free yet. A model that has
    left the list is stopped before, so another may follow it on its port.
    """
    names = {one.model for one in wanted}
    found = []
    for one in wanted:
        holder = published.get(one.port)
        if holder in names - {one.model}:
            what = f"is published by the deployed model {holder}"
            remedy = f"write another as {one.variable}, or add new models after the deployed"
            found.append(problem(f"port {one.port}", what, remedy))
    return found
