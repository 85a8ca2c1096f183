"""Keep other users away from the directory that containers write to as root.

A container without capabilities can still leave a program there that is root's and setuid. Whoever
can run it on the host is root.
"""

from __future__ import annotations

import os
from pathlib import Path

from ..common.problem import problem

_CLOSED = 0o700
#: As the role made it before
_FORMER = 0o755


def make_directory(path: Path, dry: bool) -> list[Path]:
    """Make the directory for root alone, or close one that the role made; return what changed."""
    if not path.is_dir():
        if not dry:
            path.mkdir(mode=_CLOSED, parents=True)
            path.chmod(_CLOSED)  # Whatever the umask is
        return [path]
    if not (_open(path) and _ours(path)):
        return []
    if not dry:
        path.chmod(_CLOSED)
    return [path]


def check_directory(path: Path, shown: str) -> list[str]:
    """Return a warning of a directory that the role leaves open, because it may be shared."""
    if not path.is_dir() or not _open(path) or _ours(path):
        return []
    what = f"{shown} lets every user run, as root, what a model's container leaves there"
    remedy = "chmod 0700 it; if others must read it, mount it with nosuid,nodev"
    return [problem("tgi_data_dir", what, remedy)]


def _open(path: Path) -> bool:
    return bool(path.stat().st_mode & 0o001) and not os.statvfs(path).f_flag & os.ST_NOSUID


def _ours(path: Path) -> bool:
    """Return whether it looks as the role made it; mounts, links and other modes are the user's."""
    status = path.stat()
    made = (status.st_uid, status.st_gid, status.st_mode & 0o7777) == (0, 0, _FORMER)
    return made and not path.is_symlink() and not path.is_mount()
