"""Replace files below /etc/docker, and find changes that the daemon has not read."""

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
# The file from before the role's first change; the uninstall needs it
ORIGINAL = ".original-tgi-ansible"


def backup_of(path: Path) -> Path:
    """Return the path of the copy that the daemon last ran with."""
    return Path(f"{path}{SUFFIX}")


def original_of(path: Path) -> dict[str, Any] | None:
    """Return the file from before its first change; None if it is unknown."""
    original = Path(f"{path}{ORIGINAL}")
    try:
        return parse(original.read_text(), str(original)) if original.exists() else None
    except DaemonConfigError:
        return None


def replace(path: Path, text: str, keep: bool, secret: bool, move: Callable[..., Any]) -> None:
    """Replace the file in one step; copy the old one first, unless ``keep``.

    ``move`` is AnsibleModule.atomic_move, which keeps owner, mode and SELinux context. Only root
    can read a file with a ``secret``.
    """
    path.parent.mkdir(mode=0o755, parents=True, exist_ok=True)
    _keep_original(path)
    backup = backup_of(path)
    if path.exists() and not keep:
        shutil.copy2(path, backup)
        if secret:
            backup.chmod(0o600)
    elif backup.exists() and not path.exists():
        # The file was deleted since: restoring this copy would be wrong
        backup.replace(f"{backup}.old")
    with tempfile.NamedTemporaryFile("w", dir=path.parent, delete=False) as new:
        try:
            new.write(text)
            new.flush()
        except OSError as error:
            Path(new.name).unlink()
            raise OSError(error.errno, error.strerror, str(path)) from error
    fresh = not path.exists()
    if secret and not fresh:
        path.chmod(0o600)
    move(new.name, str(path))
    if fresh:
        path.chmod(0o600 if secret else 0o644)


def _keep_original(path: Path) -> None:
    """Copy the file before its first change; write an empty copy if there is no file."""
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
    """Write certificate files, or remove those without text; copy files that are not ours."""
    for path, text in changes.items():
        if not text:
            path.unlink()
            continue
        path.parent.mkdir(mode=0o755, parents=True, exist_ok=True)
        if path.exists() and not read(path).startswith(MARK):
            shutil.copy2(path, backup_of(path))
        write(path, text.encode(), 0o444)


def pending(run: Run, systemctl: str, path: Path, before: Mapping[str, Any]) -> list[str]:
    """Return keys that an aborted run wrote and that the daemon has not read."""
    if not path.exists():
        return []
    names = "ActiveState,ExecMainStartTimestampMonotonic,StateChangeTimestampMonotonic"
    _code, out, _err = run([systemctl, "show", "docker", f"--property={names}"])
    backup = backup_of(path)
    try:
        applied = parse(backup.read_text() if backup.exists() else "", str(backup))
    except DaemonConfigError:
        applied = {}
    # systemd counts time from boot
    boot = time.time() - time.monotonic()
    return unapplied(out, path.stat().st_mtime - boot, changed_keys(applied, before))
