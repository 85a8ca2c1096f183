"""Find out who listens on the ports that the models and the gateway need."""

from __future__ import annotations

import contextlib
import ipaddress
import re
import sys
from collections.abc import Collection, Iterable, Mapping
from pathlib import Path
from typing import NamedTuple

from ..common.files import read
from ..common.problem import problem

#: Who listens on a port that a container publishes; without the userland proxy the daemon does
DOCKER = ("docker-proxy", "dockerd")
_LISTEN = "0A"


class Owner(NamedTuple):
    """A listening process; both fields are None where it is unknown."""

    command: str | None = None
    pid: int | None = None


class Listener(NamedTuple):
    """A listening socket: its address, such as 127.0.0.1, its port and its inode."""

    address: str
    port: int
    inode: str

    def keeps_off(self, addresses: Collection[str]) -> bool:
        """Return whether nothing else can listen on one of ``addresses``; on all, if empty."""
        everywhere = ipaddress.ip_address(self.address).is_unspecified
        return everywhere or not addresses or self.address in addresses


class WantedPort(NamedTuple):
    """A port that must be free, and the variable that sets it."""

    port: int
    variable: str
    #: Commands that may hold the port because we started them
    ours: Collection[str] = ()
    #: Name of the model that will listen there; "" for a gateway
    model: str = ""


def listening(tables: Collection[str]) -> list[Listener]:
    """Return the listening sockets in texts of /proc/net/tcp and tcp6."""
    found = []
    for table in tables:
        for line in table.splitlines()[1:]:
            fields = line.split()
            if len(fields) > 9 and fields[3] == _LISTEN:
                address, _, port = fields[1].rpartition(":")
                found.append(Listener(_address(address), int(port, 16), fields[9]))
    return found


def _address(text: str) -> str:
    """Return the address that the kernel prints as words of the machine's byte order."""
    words = (int(text[at : at + 8], 16) for at in range(0, len(text), 8))
    address = ipaddress.ip_address(b"".join(word.to_bytes(4, sys.byteorder) for word in words))
    return str(getattr(address, "ipv4_mapped", None) or address)


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


def find_owners(
    proc: Path, ports: Collection[int], addresses: Collection[str] = ()
) -> dict[int, Owner]:
    """Return port -> owner for those of ``ports`` where nothing else can listen.

    A listener on another address than one of ``addresses`` leaves the port free; without any, all
    addresses are wanted.
    """
    tables = [read(proc / "net" / name) for name in ("tcp", "tcp6")]
    found = [one for one in listening(tables) if one.port in ports and one.keeps_off(addresses)]
    known = owners(proc, [one.inode for one in found]) if found else {}
    taken: dict[int, Owner] = {}
    for one in sorted(found):
        owner = known.get(one.inode, Owner())
        # A known one says more, and one that is not Docker is the one to stop
        if one.port not in taken or owner.command not in (None, *DOCKER):
            taken[one.port] = owner
    return taken


def check_ports(wanted: Iterable[WantedPort], taken: Mapping[int, Owner]) -> list[str]:
    """Refuse ports that another program listens on."""
    found = []
    for one in wanted:
        owner = taken.get(one.port)
        if owner is None or owner.command in one.ours:
            continue
        who = f"{owner.command} (pid {owner.pid})" if owner.command else "an unknown process"
        stop = "stop it"
        if owner.command in DOCKER:
            stop = f"stop the container (docker ps --filter publish={one.port})"
        remedy = f"{stop}, or write another port as {one.variable}"
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
