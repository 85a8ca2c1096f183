"""Write and remove the files of a model's Compose project, ``deployed.json`` among them."""

from __future__ import annotations

import difflib
from pathlib import Path
from typing import NamedTuple

from ..common.files import read, write
from .record import FILE, Record, from_text, to_text

COMPOSE = "compose.yaml"
SECRETS = "secrets.env"
# In the order of writing: a model counts as deployed once its compose.yaml is there
_MODES = {SECRETS: 0o600, COMPOSE: 0o600, FILE: 0o644}


class FileChange(NamedTuple):
    """A file that differs from what is wanted."""

    path: Path
    before: str
    after: str

    def diff(self) -> dict[str, str]:
        """Return the diff in Ansible's shape."""
        lines = difflib.unified_diff(
            self.before.splitlines(keepends=True),
            self.after.splitlines(keepends=True),
            str(self.path),
            str(self.path),
        )
        # Not before and after: Ansible would mask a text that is a no_log option too
        return {"prepared": "".join(lines)}


def write_project(
    directory: Path, compose: str, secrets: str, record: Record, dry: bool
) -> list[FileChange]:
    """Bring the three files to what is wanted and return those that changed.

    deployed.json is left as it is when it says the same. ``dry`` changes nothing.
    """
    wanted = {SECRETS: secrets, COMPOSE: compose, FILE: _text_of(record, directory / FILE)}
    changes = []
    for name, text in wanted.items():
        path = directory / name
        before = read(path)
        if before == text and path.exists() and path.stat().st_mode & 0o777 == _MODES[name]:
            continue
        changes.append(FileChange(path, before, text))
        if not dry:
            write(path, text.encode(), _MODES[name])
    return changes


def make_directories(paths: list[Path], dry: bool) -> list[Path]:
    """Make the directories that are missing, readable for all, and return them."""
    missing = [path for path in paths if not path.is_dir()]
    for path in [] if dry else missing:
        path.mkdir(parents=True, exist_ok=True)
        path.chmod(0o755)
    return missing


def remove_project(directory: Path, dry: bool) -> list[Path]:
    """Delete our files, and the directory unless it holds others; return what was deleted."""
    found = [directory / name for name in _MODES if (directory / name).exists()]
    for path in [] if dry else found:
        path.unlink()
    if not dry and directory.is_dir() and not any(directory.iterdir()):
        directory.rmdir()
        found.append(directory)
    return found


def _text_of(record: Record, path: Path) -> str:
    text = read(path)
    try:
        return text if from_text(text, str(path)).same_as(record) else to_text(record)
    except ValueError:
        return to_text(record)
