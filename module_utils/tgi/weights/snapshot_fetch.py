"""Bring a snapshot to a host, whole and proven, or say why not.

The order keeps a kill at any moment harmless: bytes grow outside the repository, a proven file
becomes a blob in one step, links follow when all blobs are there, and the ref comes last.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import FIRST_EXCEPTION, ThreadPoolExecutor, wait
from pathlib import Path
from typing import NamedTuple

from ..common.file_system import file_system_of, size
from .fetch_progress import FetchProgress
from .file_digest import digest_of
from .file_fetch import FileFetch, Stopped
from .hub_client import HubClient
from .hub_problem import Asked, HubProblem, of_snapshot, on_disk
from .manifest import Manifest, WeightFile
from .repository_folders import LinkedAway
from .snapshot_list import from_directory, from_hub
from .snapshot_look import SnapshotWish, look, surplus_files
from .snapshot_store import SnapshotStore


class Fetched(NamedTuple):
    """What a fetch did."""

    manifest: Manifest
    changed: bool
    #: Names of the files that were fetched, and of those that were damaged before
    fetched: tuple[str, ...] = ()
    damaged: tuple[str, ...] = ()


def fetch(
    store: SnapshotStore,
    wish: SnapshotWish,
    sleep: Callable[[float], None] = time.sleep,
) -> Fetched:
    """Do what :func:`look` finds missing. Raise HubProblem; what came stays for the next run."""
    asked = Asked(wish.repository, wish.revision, wish.source.endpoint)
    try:
        store.make_folders()
        progress = FetchProgress(store.progress, wish.repository, wish.throttle, sleep=sleep)
        with _locked(store.lock, sleep):
            try:
                return _Run(store, wish, progress, sleep).run()
            finally:
                progress.end()
    except LinkedAway as error:
        what = f"cannot be placed: {error.path} is a link, or no directory; a container may have"
        remedy = f"delete {error.path} on the host, and run this again"
        raise of_snapshot("linked", asked, f"{what} put it there", remedy) from error
    except OSError as error:
        raise on_disk(asked, error) from error


class _Run:
    def __init__(
        self,
        store: SnapshotStore,
        wish: SnapshotWish,
        progress: FetchProgress,
        sleep: Callable[[float], None],
    ) -> None:
        self.store, self.wish, self.progress, self._sleep = store, wish, progress, sleep
        self.stop = threading.Event()
        self.client = HubClient(wish.source, self._pause)
        self.asked = self.client.asked(wish.repository, wish.revision)

    def run(self) -> Fetched:
        standing = look(self.store, self.wish)
        manifest = standing.manifest
        if manifest is None:
            manifest = self._list()
            self.store.keep_manifest(manifest)
            standing = look(self.store, self.wish)
        damaged = self._prove(standing.unproven)
        wanted = [*standing.missing, *damaged]
        self._check_space(wanted)
        self._fetch(wanted)
        placed = self._place(manifest)
        return Fetched(
            manifest,
            bool(wanted or placed),
            tuple(file.path for file in wanted),
            tuple(file.path for file in damaged),
        )

    def _pause(self, seconds: float, error: HubProblem) -> None:
        why = "the Hub asks for a pause" if error.kind == "rate_limited" else str(error)
        while seconds > 0:
            self.progress.note(f"{why}, goes on in {seconds:.0f} s")
            if self.stop.is_set():
                raise Stopped
            self._sleep(min(seconds, 1.0))
            seconds -= 1.0

    def _list(self) -> Manifest:
        if self.wish.mirror:
            mirror = Path(self.wish.mirror)
            return from_directory(mirror, self.asked, self.wish.code, self.wish.pickle)
        return from_hub(self.client, self.asked, self.wish.code, self.wish.pickle)

    def _prove(self, files: Sequence[WeightFile]) -> list[WeightFile]:
        """Return damaged files, which are deleted: even a restart now must not serve them."""
        self.progress.begin("verify", sum(file.size for file in files))
        damaged = []

        def prove(file: WeightFile) -> None:
            path = self.store.blob(file)
            stamp = self.store.stamp(file)
            if digest_of(path, file.kind, file.size, self.progress.verified) != file.digest:
                self.store.discard(file)
                damaged.append(file)
            else:
                self.store.remember(file, stamp)

        self._each(prove, files)
        return damaged

    def _fetch(self, files: Sequence[WeightFile]) -> None:
        self.progress.begin("fetch", sum(file.size for file in files))
        work = FileFetch(self.client, self.asked, self.progress, self.stop, self._nearby)

        def fetch_one(file: WeightFile) -> None:
            partial = self.store.partial(file)
            self._link_mirrored(file, partial)
            work.fetch(file, partial)
            self.store.adopt(file)
            self.store.remember(file, self.store.stamp(file))

        self._each(fetch_one, files)

    def _each(
        self,
        work: Callable[[WeightFile], None],
        files: Sequence[WeightFile],
    ) -> None:
        """Work on several files at once, the largest first; the first error ends all."""
        unique = list({file.digest: file for file in files}.values())
        order = sorted(unique, key=lambda file: -file.size)
        with ThreadPoolExecutor(max(self.wish.workers, 1)) as pool:
            running = [pool.submit(work, file) for file in order]
            done, waiting = wait(running, return_when=FIRST_EXCEPTION)
            if waiting:
                self.stop.set()
                for one in waiting:
                    one.cancel()
        for one in done:
            one.result()

    def _nearby(self, file: WeightFile) -> list[Path]:
        """Return copies on this machine: what other tools left instead of a blob, or the mirror."""
        places = [self.store.blob(file), self.store.snapshot / file.path, *self._mirrored(file)]
        return [place for place in places if place.is_file()]

    def _mirrored(self, file: WeightFile) -> list[Path]:
        if not self.wish.mirror:
            return []
        there = SnapshotStore(Path(self.wish.mirror), self.wish.repository, self.wish.revision)
        return [there.blob(file)]

    def _shares_disk(self, file: WeightFile) -> bool:
        """Return whether the mirror's file can have a second name in the cache."""
        here = self.store.records.stat().st_dev
        return any(
            _is_whole(there, file) and there.stat().st_dev == here for there in self._mirrored(file)
        )

    def _link_mirrored(self, file: WeightFile, partial: Path) -> None:
        """Give a file of a mirror's directory a second name, so that the disk holds it once.

        Only a whole one: nothing is written to it then. Its bytes are proven like any others.
        """
        for there in self._mirrored(file):
            # Another file system, or one without links: it is copied
            with contextlib.suppress(OSError):
                if _is_whole(there, file):
                    # What an earlier run has copied of it
                    partial.unlink(missing_ok=True)
                    os.link(there, partial)

    def _check_space(self, files: Sequence[WeightFile]) -> None:
        files = [file for file in files if not self._shares_disk(file)]
        held = sum(path.stat().st_size for path in map(self.store.partial, files) if path.exists())
        needed = sum(file.size for file in files) - held
        found = file_system_of(self.store.cache)
        if needed and found.free < needed + self.wish.reserve:
            raise of_snapshot(
                "no_space", self.asked,
                f"needs {size(needed)} more, and {size(self.wish.reserve)} that stay free; the "
                f"{found.name} has {size(found.free)}",
                "free space there (playbooks/prune_weights.yml), or enlarge the disk",
            )  # fmt: skip

    def _place(self, manifest: Manifest) -> bool:
        """Link the files, and last of all write the ref."""
        surplus = surplus_files(self.store, manifest, self.wish)
        for path in surplus:
            self.store.drop(path)
        closed = [file for file in manifest.files if not self.store.is_readable(file)]
        for file in closed:
            self.store.open_up(file)
        linked = bool(self.store.wrong_links(manifest))
        self.store.link(manifest)
        had_ref = self.store.has_ref()
        if not had_ref:
            self.store.write_ref()
        return bool(surplus or closed or linked or not had_ref)


def _is_whole(there: Path, file: WeightFile) -> bool:
    """Return whether a mirror's file has its size and is no link."""
    return there.is_file() and not there.is_symlink() and there.stat().st_size == file.size


@contextlib.contextmanager
def _locked(path: Path, sleep: Callable[[float], None]) -> Iterator[None]:
    """Hold a repository's lock; another run that holds it does the same work, so wait for it."""
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        while True:
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                sleep(0.5)
        yield
    finally:
        os.close(descriptor)
