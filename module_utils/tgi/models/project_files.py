"""Write and remove the files of a model's Compose project, ``deployed.json`` among them."""

from __future__ import annotations

import difflib
import shutil
from pathlib import Path
from typing import NamedTuple

from ..common.files import read, write
from .record import FILE, Record, from_text, to_text

COMPOSE = "compose.yaml"
SECRETS = "secrets.env"
#: The secrets that were proven last, while others are not proven yet
SECRETS_BEFORE = "secrets.env.before"
#: The directory of the sets that passed
SETS = "sets"
#: In the order of writing: a model counts as deployed once its compose.yaml is there
MODES = {SECRETS: 0o600, COMPOSE: 0o600, FILE: 0o644}


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

    deployed.json is left as it is when it says the same. Secrets that others replace stay as
    secrets.env.before, unless it holds proven ones already. ``dry`` changes nothing.
    """
    wanted = {SECRETS: secrets, COMPOSE: compose, FILE: _text_of(record, directory / FILE)}
    changes = []
    for name, text in wanted.items():
        path = directory / name
        before = read(path)
        if before == text and path.exists() and path.stat().st_mode & 0o777 == MODES[name]:
            continue
        changes.append(FileChange(path, before, text))
        if dry:
            continue
        if name == SECRETS and path.exists() and secrets_differ(before, text):
            _keep_before(directory / SECRETS_BEFORE, before)
        write(path, text.encode(), MODES[name])
    return changes


def without_comments(text: str) -> list[str]:
    """Return the lines of a file that are neither comments nor blank."""
    lines = (line.rstrip() for line in text.splitlines())
    return [line for line in lines if line and not line.lstrip().startswith("#")]


def secrets_differ(old: str, new: str) -> bool:
    """Return whether two texts of secrets.env differ other than in comments."""
    return without_comments(old) != without_comments(new)


def _keep_before(path: Path, text: str) -> None:
    if not path.exists():
        write(path, text.encode(), MODES[SECRETS])


def make_directories(paths: list[Path], dry: bool) -> list[Path]:
    """Make the directories that are missing, readable for all, and return them."""
    missing = [path for path in paths if not path.is_dir()]
    for path in [] if dry else missing:
        path.mkdir(parents=True, exist_ok=True)
        path.chmod(0o755)
    return missing


def remove_project(directory: Path, dry: bool) -> list[Path]:
    """Delete our files, and the directory unless it holds others; return what was deleted.

    The sets go first: a model counts as deployed, and its removal is due, until its compose.yaml
    is gone.
    """
    names = (SETS, SECRETS_BEFORE, *MODES)
    found = [directory / name for name in names if (directory / name).exists()]
    # What a write leaves that was killed; it may be a secret
    found[:0] = [path for name in names for path in directory.glob(f".{name}.????????")]
    for path in [] if dry else found:
        if path.is_dir():
            shutil.rmtree(path)
        else:
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
