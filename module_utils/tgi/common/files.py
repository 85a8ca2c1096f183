"""Files of a host that modules write whole: sources, keys, pins, drop-ins."""

from __future__ import annotations

import shutil
from collections.abc import Collection, Mapping
from pathlib import Path

#: First words of what the modules write
HEADER = b"# Ansible managed"
#: Of keyrings, whose content no diff should show
_KEYS = (".asc", ".gpg")
_BACKUP = ".before-tgi-ansible.bak"


def read(path: Path) -> bytes:
    """What a file holds; nothing where there is none."""
    return path.read_bytes() if path.exists() else b""


def _write(path: Path, content: bytes) -> None:
    """No content, no file."""
    path.parent.mkdir(mode=0o755, parents=True, exist_ok=True)
    if content:
        path.write_bytes(content)
        path.chmod(0o644)
    else:
        path.unlink()


def settle(
    wanted: Mapping[Path, bytes], others: Collection[Path], dry: bool
) -> tuple[list[str], list[dict[str, str]]]:
    """Bring files to what is wanted: the paths that changed, and Ansible's diff of them.

    Of ``others``, which somebody else wrote, a copy is kept beside. ``dry`` changes nothing.
    """
    before = {path: read(path) for path in wanted}
    changed = [path for path in wanted if wanted[path] != before[path]]
    for path in [] if dry else changed:
        if path in others:
            shutil.copy2(path, f"{path}{_BACKUP}")
        _write(path, wanted[path])
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
