"""How files below /etc/docker are replaced, and which of their changes the daemon has not seen."""

from __future__ import annotations

import shutil
import tempfile
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from ..common.commands import Run
from ..common.files import read, write
from .daemon_json import DaemonConfigError, changed_keys, has_secret, parse, unapplied
from .registry_certificates import MARK

SUFFIX = ".before-tgi-ansible"
# What the role found when it first came, for who takes it away again
ORIGINAL = ".original-tgi-ansible"


def backup_of(path: Path) -> Path:
    """The file before the change that the daemon has yet to prove itself with."""
    return Path(f"{path}{SUFFIX}")


def original_of(path: Path) -> dict[str, Any] | None:
    """The file as it was before its first change; None where that is not known."""
    original = Path(f"{path}{ORIGINAL}")
    try:
        return parse(original.read_text(), str(original)) if original.exists() else None
    except DaemonConfigError:
        return None


def replace(path: Path, text: str, keep: bool, secret: bool, move: Callable[..., Any]) -> None:
    """Replace the file in one step, and keep the one before unless the kept one is to stay.

    ``move`` puts a file in another's place, with its mode; a secret is readable to root only.
    """
    path.parent.mkdir(mode=0o755, parents=True, exist_ok=True)
    _keep_original(path)
    backup = backup_of(path)
    if path.exists() and not keep:
        shutil.copy2(path, backup)
        if secret:
            backup.chmod(0o600)
    elif backup.exists() and not path.exists():
        # Of a file that is gone: to return to it would bring back what nobody has now
        backup.replace(f"{backup}.old")
    with tempfile.NamedTemporaryFile("w", dir=path.parent, delete=False) as new:
        new.write(text)
    fresh = not path.exists()
    if secret and not fresh:
        path.chmod(0o600)
    move(new.name, str(path))
    if fresh:
        path.chmod(0o600 if secret else 0o644)


def _keep_original(path: Path) -> None:
    """Keep, once, the file as it was before the first change; an empty one where there was none."""
    original = Path(f"{path}{ORIGINAL}")
    if original.exists():
        return
    if path.exists():
        shutil.copy2(path, original)
        if has_secret(parse(path.read_text(), str(path))):
            original.chmod(0o600)
    else:
        original.touch(mode=0o644)


def write_authorities(changes: Mapping[Path, str]) -> None:
    """No text, no file; what somebody else had there is kept beside it."""
    for path, text in changes.items():
        if not text:
            path.unlink()
            continue
        path.parent.mkdir(mode=0o755, parents=True, exist_ok=True)
        if path.exists() and not read(path).startswith(MARK):
            shutil.copy2(path, backup_of(path))
        write(path, text.encode(), 0o444)


def pending(run: Run, systemctl: str, path: Path, before: Mapping[str, Any]) -> list[str]:
    """Keys that an earlier, aborted run wrote without the daemon having been told."""
    if not path.exists():
        return []
    names = "ActiveState,ExecMainStartTimestampMonotonic,StateChangeTimestampMonotonic"
    _code, out, _err = run([systemctl, "show", "docker", f"--property={names}"])
    backup = backup_of(path)
    try:
        applied = parse(backup.read_text() if backup.exists() else "", str(backup))
    except DaemonConfigError:
        applied = {}
    # systemd counts from boot
    boot = time.time() - time.monotonic()
    return unapplied(out, path.stat().st_mtime - boot, changed_keys(applied, before))
