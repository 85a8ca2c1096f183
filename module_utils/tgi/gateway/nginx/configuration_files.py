"""Files of a configuration, each read or brought to the disk in one step."""

from __future__ import annotations

import os
from pathlib import Path


def read_text(path: Path) -> str:
    """Give a file's text, empty when it cannot be read."""
    try:
        return path.read_text(encoding="utf-8")
    except OSError:
        return ""


def write_file(path: Path, content: bytes, mode: int = 0o644) -> None:
    """Put a file in its place, never half of it, and never open to more than ``mode`` says."""
    waiting = path.with_name(f".{path.name}.new")
    waiting.unlink(missing_ok=True)
    descriptor = os.open(waiting, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
    with os.fdopen(descriptor, "wb") as file:
        os.fchmod(descriptor, mode)
        file.write(content)
        file.flush()
        os.fsync(descriptor)
    waiting.replace(path)


def drop_empty(directory: Path) -> None:
    """Delete a directory that holds nothing."""
    if directory.is_dir() and not any(directory.iterdir()):
        directory.rmdir()
