"""Recognise a configuration of ours that was edited by hand, and keep the edit."""

from __future__ import annotations

import re
import shutil
from pathlib import Path
from typing import NamedTuple

from ...common.files import read, write
from .release import MAIN, Release, ReleaseLink, free_path


class Edit(NamedTuple):
    """A file of ours that was edited by hand, and the place where the edit is kept."""

    path: Path
    kept: Path

    @property
    def words(self) -> str:
        return f"keep what was edited by hand in {self.path} as {self.kept}"

    @property
    def warning(self) -> str:
        """Return what happened to the edit, and what to do instead."""
        return (
            f"{self.path} was edited by hand since the last run. The role puts its own file back "
            f"and keeps yours as {self.kept}; write what you need of it into the inventory"
        )


def origin_of(link: ReleaseLink) -> str | None:
    """Return the version from which an edited main file comes; None for a link or another file.

    Editors and ``sed -i`` put a file in the place of our link.
    """
    if link.path.is_symlink() or not link.path.is_file():
        return None
    found = re.search(rf"{re.escape(str(link.root))}/([0-9a-f]{{16}})\b", read(link.path))
    return found.group(1) if found else None


def find_edits(link: ReleaseLink, release: Release) -> list[Edit]:
    """Return the files that were edited since ``release``, or an earlier one, was put in force."""
    if origin_of(link):
        return [_edit(link, link.path)]
    if link.version() != release.version:
        return []
    edited = [
        release.directory / name
        for name, text in release.public.items()
        if (release.directory / name).exists() and read(release.directory / name) != text
    ]
    return [_edit(link, path) for path in edited]


def keep_edits(link: ReleaseLink, edits: list[Edit]) -> None:
    """Copy the edited files, and put the link back in the place of an edited main file.

    What is in force stays as it is edited: this changes no word of it.
    """
    for edit in edits:
        shutil.copy2(edit.path, edit.kept)
    if version := origin_of(link):
        target = link.root / version / MAIN
        target.parent.mkdir(mode=0o755, parents=True, exist_ok=True)
        write(target, link.path.read_bytes())
        link.point(target)


def _edit(link: ReleaseLink, path: Path) -> Edit:
    return Edit(path, free_path(link.root / f"{path.name}.edited"))
