"""Delete commits of models that nothing needs any more, and the blobs that only they had.

A kill at any moment is harmless: a snapshot disappears in one step, and its manifest, by which the
next run finds the rest, goes last.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import re
import shutil
from collections.abc import Collection, Iterator
from pathlib import Path
from typing import NamedTuple

from ..common.file_system import size
from ..common.files import read
from .manifest import is_revision
from .repository_folders import folder
from .snapshot_store import RECORDS, SnapshotStore

_COMMIT = re.compile(r"\b[0-9a-f]{40}\b")
_DIGEST = re.compile(r"[0-9a-f]{40}|[0-9a-f]{64}")
_PREFIX = "models--"


class OldRevision(NamedTuple):
    """A commit that goes: ``size`` bytes of ``blobs`` no other commit needs."""

    repository: str
    revision: str
    blobs: tuple[str, ...]
    size: int

    @property
    def line(self) -> str:
        """Return a line for people."""
        return f"{self.repository}@{self.revision[:12]}: {size(self.size)}"


def commits_in(text: str) -> set[str]:
    """Return all commits that a text names; what it is does not matter."""
    return set(_COMMIT.findall(text))


def deployed_commits(base_dir: Path) -> set[str]:
    """Return the commits in the Compose projects and their kept sets, to which a host returns."""
    found: set[str] = set()
    # NAME/compose.yaml, NAME/sets/ID/compose.yaml and what is between, but no cache that is deeper
    paths = (path for depth in range(4) for path in base_dir.glob("/".join("*" * (depth + 1))))
    for path in paths:
        if path.suffix in (".yaml", ".json") and path.is_file():
            # Read strictly: what cannot be read may name what runs
            found |= commits_in(path.read_text(encoding="utf-8", errors="replace"))
    return found


def caches_in(data_dir: Path) -> list[Path]:
    """Return the caches below a data directory, and itself, that hf_snapshot has filled."""
    places = [data_dir, *sorted(data_dir.glob("*"))]
    return [place for place in places if (place / RECORDS).is_dir()]


def prune(cache: Path, keep: Collection[str], dry: bool) -> tuple[list[OldRevision], list[str]]:
    """Delete what hf_snapshot fetched and ``keep`` does not name, and return it.

    Return also the repositories that are left alone, because a fetch works there.
    """
    gone: list[OldRevision] = []
    busy = []
    for records in sorted((cache / RECORDS).glob(f"{_PREFIX}*")):
        repository = records.name[len(_PREFIX) :].replace("--", "/")
        with _lock(records / "lock", dry) as held:
            if not held:
                busy.append(repository)
                continue
            found = old_revisions(cache, repository, keep)
            for one in [] if dry else found:
                _delete(SnapshotStore(cache, repository, one.revision), one)
            gone += found
    return gone, busy


def old_revisions(cache: Path, repository: str, keep: Collection[str]) -> list[OldRevision]:
    """Return the commits of a repository that go, and which blobs each takes along."""
    store = SnapshotStore(cache, repository, "")
    fetched = [path.stem for path in store.records.glob("*.json") if is_revision(path.stem)]
    kept = {*keep, *_branches(store.repository / "refs")}
    old = sorted(revision for revision in fetched if revision not in kept)
    stay: set[str] = set()
    for revision in {*fetched, *_names(store.repository / "snapshots")} - set(old):
        stay |= _blobs(SnapshotStore(cache, repository, revision))
    found = []
    for revision in old:
        blobs = sorted(_blobs(SnapshotStore(cache, repository, revision)) - stay)
        stay.update(blobs)
        sizes = [_size(store.repository / "blobs" / name) for name in blobs]
        sizes += [_size(store.records / "partial" / name) for name in blobs]
        found.append(OldRevision(repository, revision, tuple(blobs), sum(sizes)))
    return found


def _branches(refs: Path) -> set[str]:
    """Return the commits that names such as main stand for: a model may ask for these."""
    paths = [path for path in refs.rglob("*") if path.is_file() and not is_revision(path.name)]
    return {read(path).strip() for path in paths}


def _names(snapshots: Path) -> list[str]:
    with contextlib.suppress(OSError):
        return [path.name for path in snapshots.iterdir()]
    return []


def _blobs(store: SnapshotStore) -> set[str]:
    """Return the blobs of a commit: of its manifest, and of links, also of one half deleted."""
    manifest = store.manifest()
    found = {file.digest for file in manifest.files} if manifest else set()
    for place in (store.snapshot, _leaving(store)):
        for path in place.rglob("*"):
            if path.is_symlink() and _DIGEST.fullmatch(path.readlink().name):
                found.add(path.readlink().name)
    return found


def _leaving(store: SnapshotStore) -> Path:
    return store.records / f"{store.revision}.pruned"


def _size(path: Path) -> int:
    try:
        found = path.lstat()
        # A mirror's directory may have the same file
        return found.st_size if found.st_nlink == 1 else 0
    except OSError:
        return 0


def _delete(store: SnapshotStore, old: OldRevision) -> None:
    leaving = _leaving(store)
    with contextlib.suppress(FileNotFoundError), folder(store.repository, "snapshots") as inside:
        # A kill may have left it, with the same links
        target = leaving if not leaving.exists() else leaving / "again"
        os.rename(old.revision, target, src_dir_fd=inside)
    for name, entries in (("refs", (old.revision,)), ("blobs", old.blobs)):
        with contextlib.suppress(FileNotFoundError), folder(store.repository, name) as inside:
            for entry in entries:
                with contextlib.suppress(FileNotFoundError):
                    os.unlink(entry, dir_fd=inside)
    for digest in old.blobs:
        with contextlib.suppress(FileNotFoundError):
            (store.records / "partial" / digest).unlink()
    if leaving.exists():
        shutil.rmtree(leaving)
    store.forget()


@contextlib.contextmanager
def _lock(path: Path, dry: bool) -> Iterator[bool]:
    """Hold the lock of a repository's fetches; False where one works."""
    if not path.exists() and dry:
        yield True
        return
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        yield False
    else:
        yield True
    finally:
        os.close(descriptor)
