"""Find the file system of a path, and word the errors of one that takes no more."""

from __future__ import annotations

import contextlib
import errno
import os
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

#: The mounts of this process, a line each
MOUNTS = Path("/proc/self/mountinfo")
#: Bytes; with less free, a write failed because it was too little
_LITTLE = 256 * 1024**2
_UNITS = ((1024**3, "GiB"), (1024**2, "MiB"), (1024, "KiB"))
_OCTAL = re.compile(r"\\([0-7]{3})")
_AGAIN = "then run this again"
_WITHOUT_PATH = {
    errno.ENOSPC: "a file system is full; find it with df -h and df -i, free space there",
    errno.EDQUOT: "a disk quota is used up; raise it, or free space",
    errno.EROFS: "a file system is mounted read-only; see dmesg for the fault, repair it",
}


class FileSystem(NamedTuple):
    """A mounted file system; sizes in bytes, ``inodes`` are the free ones (None: no limit)."""

    mount: str
    #: Device and type, such as "/dev/sda1, ext4"; empty where they are unknown
    kind: str
    free: int
    total: int
    inodes: int | None
    read_only: bool

    @property
    def name(self) -> str:
        """Return a name such as ``file system / (/dev/sda1, ext4)``."""
        return f"file system {self.mount}" + (f" ({self.kind})" if self.kind else "")

    def complaint(self, least: int = 1) -> tuple[str, str]:
        """Return what is wrong, and the remedy; both empty with ``least`` bytes free."""
        if self.read_only:
            remedy = "see dmesg for the fault, repair it (fsck), and mount it again"
            return "is mounted read-only", remedy
        if self.inodes == 0:
            remedy = f"delete small files there (du --inodes -x -d2 {self.mount} shows where)"
            return "has no inodes left", remedy
        if self.free < least:
            what = f"has only {size(self.free)} of {size(self.total)} left"
            return what, f"free space there (du -xh -d2 {self.mount} shows where it went)"
        return "", ""


def existing(path: str | Path) -> Path:
    """Return the path, or its nearest parent that exists."""
    place = Path(path)
    while not place.exists() and place != place.parent:
        place = place.parent
    return place


def file_system_of(path: str | Path, mounts: Path = MOUNTS) -> FileSystem:
    """Return the file system that has a path, or would have it."""
    place = existing(path)
    status = os.statvfs(place)
    mount, kind = _mount_of(place, mounts)
    return FileSystem(
        mount,
        kind,
        status.f_bavail * status.f_frsize,
        status.f_blocks * status.f_frsize,
        status.f_favail if status.f_files else None,
        bool(status.f_flag & os.ST_RDONLY),
    )


def _mount_of(place: Path, mounts: Path) -> tuple[str, str]:
    """Return the mount point, and "device, type"; the path itself where no mount is known."""
    real, found = place.resolve(), (str(place), "")
    try:
        lines = mounts.read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return found
    longest = 0
    for line in lines:
        before, _, after = line.partition(" - ")
        fields, more = before.split(" "), after.split(" ")
        if len(fields) < 5 or len(more) < 2:
            continue
        mount = _OCTAL.sub(lambda code: chr(int(code.group(1), 8)), fields[4])
        # A later line is mounted over an earlier one
        if (real == Path(mount) or Path(mount) in real.parents) and len(mount) >= longest:
            longest, found = len(mount), (mount, f"{more[1]}, {more[0]}")
    return found


def size(count: int) -> str:
    """Return bytes in a unit that is easy to read, such as ``3.2 GiB``."""
    for unit, word in _UNITS:
        if count >= unit:
            return f"{count / unit:.1f} {word}"
    return f"{count} bytes"


def in_words(error: BaseException, mounts: Path = MOUNTS) -> str:
    """Return the message of an error; for a disk that takes no more, which one and the remedy."""
    if not isinstance(error, OSError) or error.errno not in _WITHOUT_PATH:
        return str(error)
    # A copy names its source first
    path = error.filename2 or error.filename
    if not path:
        return f"{_WITHOUT_PATH[error.errno]}, {_AGAIN}"
    found = file_system_of(os.fsdecode(path), mounts)
    # What did not fit is gone again, so some is free
    what, remedy = found.complaint(_LITTLE)
    if error.errno == errno.EDQUOT:
        what, remedy = "has a quota that is used up", "raise the quota, or free space there"
    elif not what:
        # It was freed meanwhile, or a quota of the directory ends earlier
        what = f"takes no more, though {size(found.free)} are free now"
        remedy = "look for a quota of the directory (project quota, container)"
    return f"cannot write {os.fsdecode(path)}: the {found.name} {what}; {remedy}, {_AGAIN}"


@contextlib.contextmanager
def failing_in_words(fail: Callable[..., Any]) -> Iterator[None]:
    """Call ``fail(msg=…)``, which is AnsibleModule.fail_json, when a disk takes no more."""
    try:
        yield
    except OSError as error:
        if error.errno not in _WITHOUT_PATH:
            raise
        fail(msg=in_words(error))
