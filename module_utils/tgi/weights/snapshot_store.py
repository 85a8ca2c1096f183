"""Know the Hub's cache on disk, and this project's own records of it, which no container sees."""

from __future__ import annotations

import contextlib
import json
import threading
from collections.abc import Iterator
from pathlib import Path

from ..common.files import read, write
from .manifest import Manifest, WeightFile, from_text

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

    def make_folders(self) -> None:
        """Make all directories, readable by the container whatever the umask is."""
        below = [self.repository / name for name in ("blobs", "snapshots", "refs")]
        for folder in [self.cache, self.repository, *below, self.records, self.records / "partial"]:
            if not folder.is_dir():
                folder.mkdir(parents=True, exist_ok=True)
                folder.chmod(_FOLDER)

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
        partial.replace(self.blob(file))

    def is_readable(self, file: WeightFile) -> bool:
        """Return whether every user may read the blob: a container's root may be another one."""
        return self.blob(file).stat().st_mode & _FILE == _FILE

    def open_up(self, file: WeightFile) -> None:
        """Make a blob readable; a proven one stays proven."""
        proven = self.stamps().get(file.digest) == self.stamp(file)
        self.blob(file).chmod(_FILE)
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
            return [one for one in entries if one.suffix in suffixes and one.name not in named]
        return []

    def link(self, manifest: Manifest) -> None:
        """Make the links, each in one step; a new snapshot appears with all of them."""
        wrong = self.wrong_links(manifest)
        if not self.snapshot.is_dir():
            growing = self.snapshot.with_name(f".{self.revision}.growing")
            growing.mkdir(exist_ok=True)
            growing.chmod(_FOLDER)
            for file in wrong:
                _link(growing / file.path, self.link_of(file))
            growing.replace(self.snapshot)
            return
        for file in wrong:
            _link(self.snapshot / file.path, self.link_of(file))

    def write_ref(self) -> None:
        """Write the name by which TGI's router finds the snapshot: 40 characters, no newline."""
        write(self.ref, self.revision.encode(), _FILE)

    def has_ref(self) -> bool:
        """Return whether the router finds the snapshot."""
        return read(self.ref) == self.revision

    def partials(self) -> Iterator[Path]:
        """Yield the partial files of all commits."""
        with contextlib.suppress(OSError):
            yield from sorted((self.records / "partial").iterdir())

    def _target(self, name: str) -> str:
        try:
            return str((self.snapshot / name).readlink())
        except OSError:
            return ""


def _link(path: Path, target: str) -> None:
    growing = path.with_name(f".{path.name}.growing")
    with contextlib.suppress(FileNotFoundError):
        growing.unlink()
    growing.symlink_to(target)
    growing.replace(path)
