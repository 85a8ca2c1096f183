"""Who listens on the ports that the models and the gateway need."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Collection
from pathlib import Path
from typing import Any, NamedTuple

from ..common.files import read
from ..common.problem import problem

_LISTEN = "0A"


class Owner(NamedTuple):
    """A listening process; both fields are None where it cannot be seen."""

    command: str | None = None
    pid: int | None = None


def listening(tables: Collection[str]) -> dict[int, set[str]]:
    """Give port -> inodes of listening sockets, from texts of /proc/net/tcp and tcp6."""
    ports: dict[int, set[str]] = {}
    for table in tables:
        for line in table.splitlines()[1:]:
            fields = line.split()
            if len(fields) > 9 and fields[3] == _LISTEN:
                port = int(fields[1].rpartition(":")[2], 16)
                ports.setdefault(port, set()).add(fields[9])
    return ports


def owners(proc: Path, inodes: Collection[str]) -> dict[str, Owner]:
    """Give inode -> owner for the sockets whose process can be looked into."""
    found: dict[str, Owner] = {}
    for process in proc.iterdir():
        if not process.name.isdigit():
            continue
        for inode in _sockets(process) & set(inodes):
            found[inode] = Owner(read(process / "comm").strip() or None, int(process.name))
    return found


def _sockets(process: Path) -> set[str]:
    """Give the inodes of a process's sockets; processes come and go while they are read."""
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
    """Give port -> owner for those of ``ports`` that are taken."""
    tables = [read(proc / "net" / name) for name in ("tcp", "tcp6")]
    taken = {port: inodes for port, inodes in listening(tables).items() if port in ports}
    known = owners(proc, set().union(*taken.values())) if taken else {}
    return {
        port: next((known[inode] for inode in sorted(inodes) if inode in known), Owner())
        for port, inodes in taken.items()
    }


def check_ports(wanted: list[dict[str, Any]], taken: dict[int, Owner]) -> list[str]:
    """Judge the ports: each of ``wanted`` has port, variable and ours.

    ``ours`` is the command that may own the port because we started it, or None.
    """
    found = []
    for wish in wanted:
        owner = taken.get(wish["port"])
        if owner is None or (wish.get("ours") and owner.command == wish["ours"]):
            continue
        who = f"{owner.command} (pid {owner.pid})" if owner.command else "an unseen process"
        remedy = f"stop it, or write another port as {wish['variable']}"
        found.append(problem(f"port {wish['port']}", f"is taken by {who}", remedy))
    return found


def published(projects: dict[str, str]) -> dict[int, str]:
    """Give port -> model from the texts of the deployed models' compose.yaml, by name."""
    return {
        int(port): name
        for name, text in projects.items()
        for port in re.findall(r"\bports:.*?\b127\.0\.0\.1:(\d+):", text)
    }


def kept(projects: dict[str, str]) -> dict[str, dict[str, Any]]:
    """Give name -> {port, gpus} from the same texts; the hosts' Python may have no YAML."""
    ports = {name: port for port, name in published(projects).items()}
    return {
        name: {
            "port": ports[name],
            "gpus": re.findall(r'"nvidia\.com/gpu=([^"]+)"', text.partition("device_ids:")[2]),
        }
        for name, text in projects.items()
        if name in ports
    }


def check_moves(models: list[dict[str, Any]], published: dict[int, str]) -> list[str]:
    """Refuse a port that another model of the list still publishes.

    Models start in the order of the list, so the port would not be free yet. One that has
    left the list is stopped before that, and may be followed on its port.
    """
    names = {model["name"] for model in models}
    found = []
    for model in models:
        holder = published.get(model["port"])
        if holder in names - {model["name"]}:
            what = f"is published by the deployed model {holder}"
            remedy = f"write another as {model['variable']}, or add new models after the deployed"
            found.append(problem(f"port {model['port']}", what, remedy))
    return found
