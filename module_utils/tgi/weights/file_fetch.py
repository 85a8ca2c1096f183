"""Fetch one file: from the byte where an earlier run was cut, and proven by its digest."""

from __future__ import annotations

import os
import re
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any, BinaryIO

from .fetch_progress import FetchProgress
from .file_digest import feed, new_digest
from .hub_client import HubClient
from .hub_connection import HubReply
from .hub_problem import Asked, HubProblem, failure, of_snapshot
from .manifest import WeightFile

_CHUNK = 1 << 20
_RANGE = re.compile(r"bytes (\d+)-(\d+)/(\d+)")


class Stopped(Exception):
    """Another file of the same fetch failed."""


class FileFetch:
    """Fetch files of one snapshot from a source."""

    def __init__(
        self,
        client: HubClient,
        asked: Asked,
        progress: FetchProgress,
        stop: threading.Event,
        nearby: Callable[[WeightFile], list[Path]] = lambda _: [],
    ) -> None:
        self.client, self.asked, self.progress = client, asked, progress
        self.stop, self.nearby = stop, nearby

    def fetch(self, file: WeightFile, partial: Path) -> None:
        """Make ``partial`` the whole file, proven and on disk; raise HubProblem otherwise.

        Bytes that an earlier run left may be wrong (the power failed), so a wrong digest is worth a
        second try, from the first byte.
        """
        self._copy_nearby(file, partial)
        held = _size(partial)
        if not self._grow(file, partial) and not (held and self._grow(file, partial)):
            what = f"sends {file.path} with other bytes than its list says ({file.kind})"
            raise of_snapshot(
                "wrong_bytes", self.asked, f"cannot be had: {self.client.source.endpoint} {what}",
                "run this again; if it stays so, a mirror or proxy there is damaged",
            )  # fmt: skip

    def _copy_nearby(self, file: WeightFile, partial: Path) -> None:
        """Go on with the bytes of a copy on this machine, where there is one."""
        for near in self.nearby(file):
            if _size(near) != file.size or _size(partial) >= file.size:
                continue
            with near.open("rb", buffering=0) as source, _opened(partial, file.size) as out:
                source.seek(out.tell())
                while piece := source.read(_CHUNK):
                    self._check_stop()
                    _write(out, memoryview(piece))
                    self.progress.moved(len(piece))

    def _grow(self, file: WeightFile, partial: Path) -> bool:
        """Return whether the whole file has the right digest; delete it otherwise."""
        with _opened(partial, file.size) as out:
            digest = new_digest(file.kind, file.size)
            done = feed(digest, partial, self._held)
            patience = self.client.patience()
            while done < file.size:
                try:
                    reply = self.client.start(self.asked, file.path, done)
                    start = self._start_of(reply, file, done)
                    if start != done:
                        self.progress.back(done)
                        out.seek(0)
                        out.truncate()
                        done, digest = 0, new_digest(file.kind, file.size)
                    before, done = done, self._copy(reply, out, digest, file, done)
                    if done > before:
                        patience.progress()
                    if done < file.size:
                        raise failure(reply.asked, OSError(f"cut at byte {done} of {file.size}"))
                except HubProblem as error:
                    done = out.tell()
                    patience.after(error)
            out.flush()
            if digest.hexdigest() == file.digest:
                os.fsync(out.fileno())
                return True
        self.progress.back(file.size)
        partial.unlink()
        return False

    def _start_of(self, reply: HubReply, file: WeightFile, wanted: int) -> int:
        """Return the byte with which an answer begins; raise HubProblem for another file's."""
        found = _RANGE.fullmatch(reply.headers.get("content-range", ""))
        if reply.status == 206 and found:
            start, total = int(found[1]), int(found[3])
        else:
            # Without a length, the digest alone decides
            length = reply.headers.get("content-length", "")
            start, total = 0, int(length) if length.isdigit() else file.size
        if reply.status != 416 and total == file.size and start in (0, wanted):
            return start
        self.client.connections().drop(reply.asked.host)
        what = (
            f"has {file.path} with {total} bytes from byte {start}, not {file.size} from {wanted}"
        )
        raise of_snapshot(
            "wrong_bytes", reply.asked, f"cannot be had: {reply.asked.host} {what}",
            "see what answers there: a mirror with another commit, or a proxy",
        )  # fmt: skip

    def _copy(
        self, reply: HubReply, out: BinaryIO, digest: Any, file: WeightFile, done: int
    ) -> int:
        """Append what comes, and return how many bytes are there."""
        view = memoryview(bytearray(_CHUNK))
        left = file.size - done
        whole = False
        try:
            while left:
                self._check_stop()
                try:
                    count = reply.body.readinto(view[: min(_CHUNK, left)])
                except Exception as error:
                    raise failure(reply.asked, error) from error
                if not count:
                    break
                _write(out, view[:count])
                digest.update(view[:count])
                left -= count
                self.progress.add(count)
            whole = not left
        finally:
            if not whole:
                self.client.connections().drop(reply.asked.host)
        return file.size - left

    def _held(self, count: int) -> None:
        self._check_stop()
        self.progress.held(count)

    def _check_stop(self) -> None:
        if self.stop.is_set():
            raise Stopped


def _write(out: BinaryIO, view: memoryview) -> None:
    """Write all: a file without a buffer may take a part, as before its disk is full."""
    while view:
        view = view[out.write(view) :]


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except OSError:
        return 0


def _opened(partial: Path, most: int) -> BinaryIO:
    """Open a partial file at its end; one that is too long begins anew."""
    descriptor = os.open(partial, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
    out = os.fdopen(descriptor, "r+b", buffering=0)
    if os.fstat(descriptor).st_size > most:
        out.truncate(0)
    out.seek(0, os.SEEK_END)
    return out
