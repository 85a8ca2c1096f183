"""Write one version of an nginx configuration, and link to it to put it in force."""

from __future__ import annotations

import hashlib
import re
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ...common.files import drop_empty, read, write
from ...common.pem_text import has_key

#: Replaced in public files as they are written: by their directory and their version
DIRECTORY_MARK = "@GATEWAY_DIR@"
VERSION_MARK = "@GATEWAY_VERSION@"
MAIN = "nginx.conf"
_KEPT = "replaced"
_NAME = re.compile(r"(?:[\w-][\w.-]*/)?[\w-][\w.-]*")
_VERSION_LENGTH = 16
_HIDDEN = "(content not shown)\n"


class Release:
    """The files of one version: ``root/<version>/<name>``, secret ones readable by root alone.

    A name may have one folder before it.

    The version is a digest of names and contents, so equal input is the same release.
    """

    def __init__(self, root: Path, files: Mapping[str, str], secrets: Mapping[str, str]) -> None:
        """Take contents by file name; raises ValueError for a name that leads elsewhere."""
        for name in [*files, *secrets]:
            if not _NAME.fullmatch(name):
                raise ValueError(f"{name!r} is not a plain file name")
        digest = hashlib.sha256()
        for kind, contents in ((b"public", files), (b"secret", secrets)):
            for name in sorted(contents):
                for part in (kind, name.encode(), contents[name].encode()):
                    digest.update(b"%d:" % len(part) + part)
        self.root = root
        self.version = digest.hexdigest()[:_VERSION_LENGTH]
        self.directory = root / self.version
        self.main = self.directory / MAIN
        marks = {DIRECTORY_MARK: str(self.directory), VERSION_MARK: self.version}
        self.public = {name: _replace(text, marks) for name, text in files.items()}
        self.secret = dict(secrets)

    def _modes(self) -> dict[str, tuple[str, int]]:
        found = {name: (text, 0o644) for name, text in self.public.items()}
        return {**found, **{name: (text, 0o600) for name, text in self.secret.items()}}

    def stale(self) -> list[str]:
        """Return the names of files that are missing on disk or differ."""
        wrong = []
        for name, (text, mode) in self._modes().items():
            path = self.directory / name
            try:
                same = path.read_bytes() == text.encode() and path.stat().st_mode & 0o777 == mode
            except OSError:
                same = False
            if not same:
                wrong.append(name)
        return wrong

    def write(self) -> None:
        """Write every file to disk, each in one step."""
        folders = {(self.directory / name).parent for name in self._modes()}
        for directory in (self.root, self.directory, *sorted(folders)):
            directory.mkdir(mode=0o755, exist_ok=True)
        for name, (text, mode) in self._modes().items():
            write(self.directory / name, text.encode(), mode)

    def remove(self) -> None:
        """Delete this version's directory."""
        shutil.rmtree(self.directory, ignore_errors=True)

    def diff(self, other: str | None, main: Path) -> list[dict[str, str]]:
        """Return what changes against version ``other``; of secrets only that they change.

        ``main`` is nginx's main file, which may be an edited copy of that version's.
        """
        shown = []
        for name, text in self.public.items():
            path_before = main if name == MAIN else self.root / (other or "") / name
            before = read(path_before) if other else ""
            before, after = before.replace(other or "\0", "<version>"), self._plain(text)
            if has_key(before):  # an older role copied a certificate's file with all that it held
                before = _HIDDEN
            if before != after:
                path = str(self.root / name)
                shown.append(
                    {"before": before, "after": after, "before_header": path, "after_header": path}
                )
        for name, text in self.secret.items():
            before = read(self.root / other / name) if other else ""
            if before != text:
                old = _HIDDEN if before else ""
                path = str(self.root / name)
                shown.append(
                    {"before": old, "after": "(changed, not shown)\n", "after_header": path}
                )
        return shown

    def _plain(self, text: str) -> str:
        return text.replace(self.version, "<version>")


class ReleaseLink:
    """nginx's main file as a symbolic link to a release; what it replaced is kept."""

    def __init__(self, path: Path, root: Path) -> None:
        """Take the main file's place (/etc/nginx/nginx.conf) and the releases' directory."""
        self.path = path
        self.root = root
        self.kept = root / _KEPT / path.name

    def version(self) -> str | None:
        """Return the version in force, or None while the file is not ours."""
        if not self.path.is_symlink():
            return None
        target = self.path.readlink()
        ours = target.name == MAIN and target.parent.parent == self.root
        return target.parent.name if ours else None

    def keeps(self) -> Path | None:
        """Return where a swap would keep the current file; None if it is ours or missing."""
        there = self.path.is_symlink() or self.path.exists()
        return free_path(self.kept) if there and self.version() is None else None

    def swap(self, release: Release) -> Any:
        """Put a release in force in one step; return what :meth:`restore` needs."""
        before = self.version()
        undo: tuple[str, Any] = ("absent", None)
        if before:
            undo = ("link", str(self.path.readlink()))
        elif kept := self.keeps():
            kept.parent.mkdir(mode=0o755, parents=True, exist_ok=True)
            undo = ("kept", kept)
        try:
            if undo[0] == "kept":
                shutil.copy2(self.path, undo[1], follow_symlinks=False)
            self.point(release.main)
        except OSError:
            if undo[0] == "kept":
                undo[1].unlink(missing_ok=True)
            raise
        return undo

    def restore(self, undo: Any) -> None:
        """Undo a swap."""
        kind, value = undo
        if kind == "link":
            self.point(value)
        elif kind == "kept":
            Path(value).replace(self.path)
        else:
            self.path.unlink()

    def take_back(self) -> Any:
        """Restore the main file from before the gateway; FileNotFoundError if it is missing."""
        undo = ("link", str(self.path.readlink()))
        if not (self.kept.exists() or self.kept.is_symlink()):
            raise FileNotFoundError(
                f"{self.kept} is missing, so the configuration from before the gateway is unknown; "
                "restore it by hand"
            )
        waiting = self.path.with_name(f".{self.path.name}.tgi-gateway")
        shutil.copy2(self.kept, waiting, follow_symlinks=False)
        waiting.replace(self.path)
        return undo

    def leftovers(self) -> bool:
        """Return whether :meth:`forget` has anything to delete."""
        found = {entry.name for entry in self.root.iterdir()} if self.root.exists() else set()
        return bool(found - {_KEPT}) or self.version() is not None or self.kept.exists()

    def forget(self) -> None:
        """Delete the releases and the restored copy; files that were replaced later stay."""
        self.kept.unlink(missing_ok=True)
        for entry in [*self.root.iterdir()] if self.root.exists() else []:
            if entry.name != _KEPT:
                _delete(entry)
        for directory in (self.kept.parent, self.root):
            drop_empty(directory)

    def left(self) -> list[Path]:
        """Return files that were replaced while ours was in force, sorted."""
        return sorted(self.kept.parent.glob("*"))

    def prune(self, keep: set[str]) -> None:
        """Delete all releases but those of ``keep``; in these close certificates with a key."""
        for entry in self.root.iterdir():
            if entry.name not in {*keep, _KEPT} and (entry / MAIN).exists():
                shutil.rmtree(entry, ignore_errors=True)
        for certificate in self.root.glob("*/*.crt"):
            if has_key(read(certificate)):
                certificate.chmod(0o600)

    def drop(self, release: Release) -> None:
        """Delete a release that is not in force, and directories that are empty then."""
        release.remove()
        for directory in (self.kept.parent, self.root):
            drop_empty(directory)

    def point(self, target: Path | str) -> None:
        """Make the main file a link to ``target``, in one step."""
        waiting = self.path.with_name(f".{self.path.name}.tgi-gateway")
        waiting.unlink(missing_ok=True)
        waiting.symlink_to(target)
        waiting.replace(self.path)


def _delete(entry: Path) -> None:
    if entry.is_dir() and not entry.is_symlink():
        shutil.rmtree(entry, ignore_errors=True)
    else:
        entry.unlink()


def free_path(path: Path) -> Path:
    """Return ``path``, or the first free numbered path next to it."""
    candidate, number = path, 0
    while candidate.exists() or candidate.is_symlink():
        number += 1
        candidate = path.with_name(f"{path.name}.{number}")
    return candidate


def _replace(text: str, marks: Mapping[str, str]) -> str:
    for mark, value in marks.items():
        text = text.replace(mark, value)
    return text
