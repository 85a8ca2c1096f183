"""Read files, and write each in one step."""

from __future__ import annotations

import contextlib
import os
import shutil
import tempfile
from collections.abc import Collection, Mapping
from pathlib import Path

#: First words of the package sources and keys that modules write
HEADER = b"# Ansible managed"
#: Keyrings, whose content no diff should show
_KEYS = (".asc", ".gpg")
_BACKUP = ".before-tgi-ansible.bak"
#: Enough for a bundle of all public authorities
_HEAD = 1 << 20


def read_bytes(path: Path) -> bytes:
    """Return the content of a file, empty when it cannot be read."""
    try:
        return path.read_bytes()
    except OSError:
        return b""


def read(path: Path) -> str:
    """Return the text of a file, empty when it cannot be read.

    Only for files that are compared or searched. To merge into a file, read it strictly: one that
    cannot be read must not count as empty.
    """
    return read_bytes(path).decode("utf-8", "replace")


def read_head(path: str) -> str | None:
    """Return the beginning of a file that the user named, None when it cannot be read."""
    try:
        with Path(path).open("rb") as file:
            return file.read(_HEAD).decode("utf-8", "replace")
    except OSError:
        return None


def write(path: Path, content: bytes, mode: int = 0o644) -> None:
    """Write a file in one step: readers see the old or the new one, never more than ``mode``.

    An OSError names ``path``.
    """
    name = ""
    try:
        descriptor, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
        with os.fdopen(descriptor, "wb") as file:
            os.fchmod(descriptor, mode)
            file.write(content)
            file.flush()
            os.fsync(descriptor)
        Path(name).replace(path)
    except BaseException as error:
        if name:
            Path(name).unlink()
        if isinstance(error, OSError):
            # A full disk has no name in the error, and a temporary file's would mislead
            raise OSError(error.errno, error.strerror or str(error), str(path)) from error
        raise


def drop_empty(directory: Path) -> None:
    """Delete a directory when it is empty."""
    with contextlib.suppress(OSError):
        directory.rmdir()


def settle(
    wanted: Mapping[Path, bytes], others: Collection[Path], dry: bool
) -> tuple[list[str], list[dict[str, str]]]:
    """Write ``wanted``; remove a file whose content is empty.

    Return the paths that changed, and Ansible's diff of them. A file of ``others``, which this
    project did not write, is copied first. ``dry`` changes nothing.
    """
    before = {path: read_bytes(path) for path in wanted}
    changed = [path for path in wanted if wanted[path] != before[path]]
    for path in [] if dry else changed:
        if path in others:
            shutil.copy2(path, f"{path}{_BACKUP}")
        if wanted[path]:
            path.parent.mkdir(mode=0o755, parents=True, exist_ok=True)
            write(path, wanted[path])
        else:
            path.unlink()
    diff = [
        {
            "before_header": str(path),
            "after_header": str(path),
            "before": before[path].decode(errors="replace"),
            "after": wanted[path].decode(errors="replace"),
        }
        for path in changed
        if path.suffix not in _KEYS and not path.name.startswith("RPM-GPG-KEY-")
    ]
    return [str(path) for path in changed], diff
