"""Know the Hub's cache on disk, and this project's own records of it, which no container sees."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import threading
from collections.abc import Iterator
from pathlib import Path

from ..common.files import read, write
from .manifest import Manifest, WeightFile, from_text
from .repository_folders import folder, make_folder, set_mode

#: Below the cache, where no container's mount reaches: manifests, partial files, progress
RECORDS = ".tgi-ansible"
_FOLDER = 0o755
_FILE = 0o644


class SnapshotStore:
    """A repository's files in a cache of the Hub, at one commit."""

    def __init__(self, cache: Path, repository: str, revision: str) -> None:
        name = f"models--{repository.replace('/', '--')}"
        self.cache = cache
        self.revision = revision
        self.repository = cache / name
        self.snapshot = self.repository / "snapshots" / revision
        self.ref = self.repository / "refs" / revision
        self.records = cache / RECORDS / name
        self.lock = self.records / "lock"
        self.progress = self.records / "progress.json"
        self._manifest = self.records / f"{revision}.json"
        self._proven = self.records / f"{revision}.proven.json"
        self._writing = threading.Lock()

    def blob(self, file: WeightFile) -> Path:
        """Return where the content of a file is."""
        return self.repository / "blobs" / file.digest

    def partial(self, file: WeightFile) -> Path:
        """Return where it grows; named after its content, so that any later run goes on."""
        return self.records / "partial" / file.digest

    def manifest(self) -> Manifest | None:
        """Return the manifest that an earlier run left."""
        return from_text(read(self._manifest))

    def keep_manifest(self, manifest: Manifest) -> None:
        """Write the manifest."""
        self.make_folders()
        write(self._manifest, manifest.as_text().encode(), _FILE)

    def forget(self) -> None:
        """Delete the records of the commit, the manifest last."""
        for path in (self._proven, self._manifest):
            with contextlib.suppress(FileNotFoundError):
                path.unlink()

    def make_folders(self) -> None:
        """Make all directories, readable by the container whatever the umask is."""
        for path in [self.cache, self.repository, self.records, self.records / "partial"]:
            if not path.is_dir():
                path.mkdir(parents=True, exist_ok=True)
                path.chmod(_FOLDER)
        for name in ("blobs", "snapshots", "refs"):
            make_folder(self.repository, name, _FOLDER)
        with contextlib.suppress(FileNotFoundError), self._in_snapshot():
            pass

    def has_size(self, file: WeightFile) -> bool:
        """Return whether a blob is a file of its own, of the right size; links may lead outside."""
        try:
            path = self.blob(file)
            return not path.is_symlink() and path.is_file() and path.stat().st_size == file.size
        except OSError:
            return False

    def stamps(self) -> dict[str, list[int]]:
        """Return digest -> stamp of the files that were proven, as they were then."""
        try:
            value = json.loads(read(self._proven))
            return {str(name): [int(part) for part in parts] for name, parts in value.items()}
        except (ValueError, TypeError, AttributeError):
            return {}

    def remember(self, file: WeightFile, stamp: list[int]) -> None:
        """Write that a blob is proven, as its stamp was then. Safe in threads."""
        with self._writing:
            stamps = self.stamps()
            if stamps.get(file.digest) != stamp:
                stamps[file.digest] = stamp
                write(self._proven, json.dumps(stamps, indent=1).encode(), _FILE)

    def stamp(self, file: WeightFile) -> list[int]:
        """Return what changes whenever the blob is written: inode, size, times."""
        found = self.blob(file).stat()
        return [found.st_ino, found.st_size, found.st_mtime_ns, found.st_ctime_ns]

    def adopt(self, file: WeightFile) -> None:
        """Make a partial file, which is whole and proven, the blob."""
        partial = self.partial(file)
        partial.chmod(_FILE)
        with folder(self.repository, "blobs") as blobs:
            os.replace(partial, file.digest, dst_dir_fd=blobs)

    def discard(self, file: WeightFile) -> None:
        """Delete a blob."""
        with folder(self.repository, "blobs") as blobs:
            os.unlink(file.digest, dir_fd=blobs)

    def is_readable(self, file: WeightFile) -> bool:
        """Return whether every user may read the blob: a container's root may be another one."""
        return self.blob(file).stat().st_mode & _FILE == _FILE

    def open_up(self, file: WeightFile) -> None:
        """Make a blob readable; a proven one stays proven."""
        proven = self.stamps().get(file.digest) == self.stamp(file)
        with folder(self.repository, "blobs") as blobs:
            set_mode(blobs, file.digest, _FILE)
        if proven:
            self.remember(file, self.stamp(file))

    def link_of(self, file: WeightFile) -> str:
        """Return the target of a file's link, which stays inside the repository."""
        return f"../../blobs/{file.digest}"

    def wrong_links(self, manifest: Manifest) -> list[WeightFile]:
        """Return the files whose link is missing or leads elsewhere."""
        return [file for file in manifest.files if self._target(file.path) != self.link_of(file)]

    def surplus(self, manifest: Manifest, suffixes: tuple[str, ...]) -> list[Path]:
        """Return entries with these endings that the manifest does not name."""
        named = {file.path for file in manifest.files}
        with contextlib.suppress(OSError):
            entries = sorted(self.snapshot.iterdir())
            found = [one for one in entries if one.suffix in suffixes and one.name not in named]
            return [one for one in found if one.is_symlink() or not one.is_dir()]
        return []

    def drop(self, surplus: Path) -> None:
        """Delete an entry of the snapshot."""
        with self._in_snapshot() as inside:
            os.unlink(surplus.name, dir_fd=inside)

    def link(self, manifest: Manifest) -> None:
        """Make the links, each in one step; a new snapshot appears with all of them."""
        wrong = self.wrong_links(manifest)
        if not self.snapshot.is_dir():
            # It grows where no container can write
            growing = self._growing()
            growing.mkdir()
            growing.chmod(_FOLDER)
            for file in wrong:
                growing.joinpath(file.path).symlink_to(self.link_of(file))
            with folder(self.repository, "snapshots") as snapshots:
                os.rename(growing, self.revision, dst_dir_fd=snapshots)
            return
        with self._in_snapshot() as inside:
            for file in wrong:
                growing = self._growing()
                growing.symlink_to(self.link_of(file))
                os.replace(growing, file.path, dst_dir_fd=inside)

    def write_ref(self) -> None:
        """Write the name by which TGI's router finds the snapshot: 40 characters, no newline."""
        growing = self._growing()
        write(growing, self.revision.encode(), _FILE)
        with folder(self.repository, "refs") as refs:
            os.replace(growing, self.revision, dst_dir_fd=refs)

    def has_ref(self) -> bool:
        """Return whether the router finds the snapshot."""
        return read(self.ref) == self.revision

    def partials(self) -> Iterator[Path]:
        """Yield the partial files of all commits."""
        with contextlib.suppress(OSError):
            yield from sorted((self.records / "partial").iterdir())

    def _in_snapshot(self) -> contextlib.AbstractContextManager[int]:
        return folder(self.repository, "snapshots", self.revision)

    def _growing(self) -> Path:
        """Return where something of the snapshot grows, without what a kill left there."""
        path = self.records / f"{self.revision}.growing"
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path)
        with contextlib.suppress(FileNotFoundError):
            path.unlink()
        return path

    def _target(self, name: str) -> str:
        try:
            return str((self.snapshot / name).readlink())
        except OSError:
            return ""
