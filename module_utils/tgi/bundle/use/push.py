"""Send files of a bundle to a host through one command at a time, each with bytes on its stdin.

That is all that a connection of Ansible needs to offer: a host has no way to the controller. Small
files go together as a tar archive, large ones in slices that each say where they belong, so that a
slice may be sent twice and a cut costs one slice.
"""

from __future__ import annotations

import io
import shlex
import tarfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path

from ...common.problem import problem
from ..bundle_form import BundleError
from ..sums import OnBytes
from .bundle_share import BundleFile
from .host_files import incoming_name

#: Bytes in one command; also the largest file of an archive, and what a host needs in memory
SLICE = 32 << 20
#: Files in one archive, so that something is seen to happen
_FILES = 200
#: Bytes that the host proves in one go
_TOGETHER = 8 * SLICE
#: Run a command with bytes on its stdin; return its exit code and what it said
Send = Callable[[str, bytes], "tuple[int, str]"]


class Push:
    """Send what a host misses. ``adopt`` gives files their places, and returns the wrong ones."""

    def __init__(
        self,
        bundle: Path,
        incoming: str,
        send: Send,
        adopt: Callable[[Sequence[BundleFile]], Sequence[str]],
        on_bytes: OnBytes = lambda _: None,
    ) -> None:
        self._bundle, self._incoming = bundle, incoming.rstrip("/")
        self._send, self._adopt, self._on_bytes = send, adopt, on_bytes

    def push(self, files: Sequence[BundleFile], held: Mapping[str, int]) -> None:
        """Send files; of ``held`` ones that many bytes are there. Raise BundleError."""
        wrong = self._send_all(files, held)
        if wrong:
            # What an earlier run left may have been wrong, so a second try is worth it
            wrong = self._send_all(wrong, {})
        if wrong:
            what = "reaches the host with other bytes than the bundle has"
            remedy = "run this again; if it stays so, test the memory of both machines"
            raise BundleError(problem(wrong[0].path, what, remedy))

    def _send_all(self, files: Sequence[BundleFile], held: Mapping[str, int]) -> list[BundleFile]:
        """Send files, and return those whose bytes are wrong on the host."""
        named = {one.path: one for one in files}
        wrong: list[str] = []
        came: list[BundleFile] = []
        for batch in batches(files):
            if len(batch) == 1 and batch[0].size > SLICE:
                self._send_slices(batch[0], held.get(batch[0].path, 0))
            elif lacking := [
                one for one in batch if not one.size or held.get(one.path, 0) < one.size
            ]:
                self._send_archive(lacking)
            came += batch
            # A call of the module costs more than a slice
            if sum(one.size for one in came) >= _TOGETHER:
                wrong += self._adopt(came)
                came = []
        wrong += self._adopt(came) if came else []
        return [named[path] for path in wrong]

    def _send_archive(self, files: Sequence[BundleFile]) -> None:
        into = shlex.quote(self._incoming)
        self._run(f"tar --extract --no-same-owner --directory={into}", self._archive(files), files)

    def _archive(self, files: Sequence[BundleFile]) -> bytes:
        made = io.BytesIO()
        with tarfile.open(fileobj=made, mode="w", format=tarfile.PAX_FORMAT) as archive:
            for one in files:
                content = (self._bundle / one.path).read_bytes()
                entry = tarfile.TarInfo(incoming_name(one))
                entry.size, entry.mode = len(content), 0o600
                archive.addfile(entry, io.BytesIO(content))
        return made.getvalue()

    def _send_slices(self, file: BundleFile, start: int) -> None:
        into = shlex.quote(f"{self._incoming}/{incoming_name(file)}")
        with (self._bundle / file.path).open("rb") as source:
            source.seek(start)
            while piece := source.read(SLICE):
                options = "bs=1M iflag=fullblock oflag=seek_bytes conv=notrunc status=none"
                self._run(f"dd of={into} seek={start} {options}", piece, [file])
                start += len(piece)

    def _run(self, command: str, content: bytes, files: Sequence[BundleFile]) -> None:
        code, said = self._send(command, content)
        if code != 0:
            what = f"cannot be written on the host ({' '.join(said.split()) or f'exit {code}'})"
            raise BundleError(
                problem(files[0].path, what, "see the disk there, then run this again")
            )
        # An archive has more than the files
        self._on_bytes(len(content) if files[0].size > SLICE else sum(one.size for one in files))


def batches(files: Sequence[BundleFile]) -> Iterator[list[BundleFile]]:
    """Yield large files alone and small ones together, in the order given."""
    batch: list[BundleFile] = []
    for one in files:
        if one.size > SLICE:
            yield [one]
            continue
        if batch and (sum(file.size for file in batch) + one.size > SLICE or len(batch) >= _FILES):
            yield batch
            batch = []
        batch.append(one)
    if batch:
        yield batch
