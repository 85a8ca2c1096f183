"""Keep a directory of files for each consumer, readable by their owner alone."""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from ...common.files import drop_empty, read_bytes, write

#: Lists what this project wrote into a consumer's directory; only that is ever removed
MARK = ".tgi-ansible.json"
_PRIVATE_FILE = 0o600
_PRIVATE_FOLDER = 0o700


@dataclass
class TreeChange:
    """What changed: paths by what happened to them. Contents may be keys, so nothing shows them."""

    written: list[str] = field(default_factory=list)
    removed: list[str] = field(default_factory=list)
    tightened: list[str] = field(default_factory=list)
    left: list[str] = field(default_factory=list)

    def lines(self) -> str:
        """Return a line for each change."""
        named = (
            ("written", self.written),
            ("removed", self.removed),
            ("made private", self.tightened),
        )
        return "".join(f"{path}: {what}\n" for what, paths in named for path in paths)


def write_consumer(root: Path, name: str, files: Mapping[str, str], dry: bool) -> TreeChange:
    """Give a consumer these files; remove what an earlier run wrote and this one does not.

    Raise ValueError for a directory that this project did not make.
    """
    place = _place(root, name)
    change = TreeChange()
    before = _listed(place)
    if before is None and place.is_dir() and any(place.iterdir()):
        raise ValueError(
            f"{place} is no directory of this playbook: move it away, or write another clients_dir"
        )
    for folder in (root, place):
        _private_folder(folder, change, dry)
    # A run that is cut leaves no file that the mark does not list
    for old in sorted({*(before or ())} - {*files}):
        _remove(place / old, change, dry)
    mark = json.dumps({"files": sorted(files)}, indent=1) + "\n"
    for path, text in [(place / MARK, mark), *((place / one, files[one]) for one in sorted(files))]:
        _private_file(path, text.encode(), change, dry)
    return change


def keep_consumers(root: Path, names: Collection[str], dry: bool) -> TreeChange:
    """Remove the files of all other consumers; a file that a person added stays where it is."""
    change = TreeChange()
    for mark in sorted(root.glob(f"*/{MARK}")):
        place = mark.parent
        if place.name in names:
            continue
        ours = [*(_listed(place) or ()), MARK]
        change.left += [str(one) for one in sorted(place.iterdir()) if one.name not in ours]
        for name in ours:
            _remove(place / name, change, dry)
        if not dry:
            drop_empty(place)
    return change


def _place(root: Path, name: str) -> Path:
    if not name or Path(name).name != name or name.startswith("."):
        raise ValueError(
            f"{name} is no name for a directory: write letters, digits, . _ and - only"
        )
    return root / name


def _listed(place: Path) -> list[str] | None:
    """Return the files that the mark lists, None without a mark."""
    try:
        files = json.loads((place / MARK).read_text())["files"]
    except (OSError, ValueError, KeyError, TypeError):
        return None
    # A path that leads out of the directory was not written by us
    return [one for one in files if isinstance(one, str) and Path(one).name == one]


def _private_folder(path: Path, change: TreeChange, dry: bool) -> None:
    if not path.is_dir():
        if not dry:
            path.mkdir(mode=_PRIVATE_FOLDER, parents=True)
    elif path.stat().st_mode & 0o077:
        change.tightened.append(str(path))
        if not dry:
            path.chmod(_PRIVATE_FOLDER)


def _private_file(path: Path, content: bytes, change: TreeChange, dry: bool) -> None:
    if path.is_symlink() or not path.exists() or read_bytes(path) != content:
        change.written.append(str(path))
    elif path.stat().st_mode & 0o777 != _PRIVATE_FILE:
        change.tightened.append(str(path))
    else:
        return
    if not dry:
        write(path, content, _PRIVATE_FILE)


def _remove(path: Path, change: TreeChange, dry: bool) -> None:
    if not (path.is_symlink() or path.exists()):
        return
    change.removed.append(str(path))
    if not dry:
        path.unlink()
