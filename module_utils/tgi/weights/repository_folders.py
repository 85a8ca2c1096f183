"""Work in a repository's folders as root, though a container may write there.

A container could put a link where a folder was, even while the host works. So each folder is opened
without following links, and work in it goes by its descriptor.
"""

from __future__ import annotations

import contextlib
import os
import stat
from collections.abc import Iterator
from pathlib import Path

_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC
#: Without O_NONBLOCK, a pipe that a container planted would hold the host up
_FILE = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC


class LinkedAway(Exception):
    """A link, or no folder, is at ``path``, where a folder must be."""

    def __init__(self, path: Path) -> None:
        super().__init__(str(path))
        self.path = path


@contextlib.contextmanager
def folder(repository: Path, *names: str) -> Iterator[int]:
    """Open a folder below a repository, whose own path an admin may link to another disk."""
    path, descriptor = repository, os.open(repository, _FOLDER)
    try:
        for name in names:
            path = path / name
            try:
                inner = os.open(name, _FOLDER | os.O_NOFOLLOW, dir_fd=descriptor)
            except FileNotFoundError as error:
                raise FileNotFoundError(error.errno, error.strerror, str(path)) from error
            except OSError as error:
                raise LinkedAway(path) from error
            os.close(descriptor)
            descriptor = inner
        yield descriptor
    finally:
        os.close(descriptor)


def make_folder(repository: Path, name: str, mode: int) -> None:
    """Make a folder, with this mode whatever the umask is; raise LinkedAway for a link."""
    made = True
    with folder(repository) as inside:
        try:
            os.mkdir(name, mode, dir_fd=inside)
        except FileExistsError:
            made = False
    with folder(repository, name) as inside:
        if made:
            os.fchmod(inside, mode)


def set_mode(inside: int, name: str, mode: int) -> None:
    """Set the mode of a file in an open folder; a link stays as it is, and OSError is raised."""
    descriptor = os.open(name, _FILE, dir_fd=inside)
    try:
        if stat.S_ISREG(os.fstat(descriptor).st_mode):
            os.fchmod(descriptor, mode)
    finally:
        os.close(descriptor)
