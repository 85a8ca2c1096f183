"""Name the run that may hold a lock, and find on its controller whether it has ended."""

from __future__ import annotations

import getpass
import os
import socket
from dataclasses import dataclass
from pathlib import Path

from ..common.files import read

_PROC = Path("/proc")


@dataclass(frozen=True)
class Holder:
    """A run of ansible-playbook; equal holders are the same run."""

    user: str
    #: Host name of the controller
    controller: str
    #: The controller's boot and PID namespace; "" where they are unknown. Only there ``pid`` counts
    boot: str
    #: The process ansible-playbook, and when it began: clock ticks since that boot
    pid: int
    began: int

    @property
    def by(self) -> str:
        """Return ``anna@ctl1``."""
        return f"{self.user}@{self.controller}"


def this_run(pid: int, proc: Path = _PROC) -> Holder:
    """Return the run of this controller whose ansible-playbook is the process ``pid``."""
    return Holder(_user(), socket.gethostname(), _boot(proc), pid, began(pid, proc))


def has_ended(other: Holder, own: Holder, proc: Path = _PROC) -> bool:
    """Return whether a run has certainly ended; one of another controller or boot is unknown."""
    known = bool(own.boot) and (other.controller, other.boot) == (own.controller, own.boot)
    return known and began(other.pid, proc) != other.began


def began(pid: int, proc: Path = _PROC) -> int:
    """Return when a process began, in clock ticks since the boot; 0 if it does not run."""
    # Its name stands in parentheses, and may hold blanks and parentheses
    fields = read(proc / str(pid) / "stat").rpartition(")")[2].split()
    return int(fields[19]) if len(fields) > 19 and fields[0] not in "ZX" else 0


def _boot(proc: Path) -> str:
    boot = read(proc / "sys/kernel/random/boot_id").strip()
    try:
        # Containers of one machine share its boot, but each numbers its own processes
        return f"{boot} {os.readlink(proc / 'self/ns/pid')}" if boot else ""  # noqa: PTH115
    except OSError:
        return ""


def _user() -> str:
    try:
        return os.environ.get("SUDO_USER") or getpass.getuser()
    except (KeyError, OSError):  # a container's user may have no name
        return f"uid {os.getuid()}"
