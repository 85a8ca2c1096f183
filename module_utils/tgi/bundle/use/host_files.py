"""Keep the files of a bundle on a host: what is missing, what came, what is no longer needed.

Bytes grow in a folder of their own. A file gets its place when its SHA-256 is right, and then a
stamp is kept, so that the next run reads no content.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from ...common.file_system import file_system_of, size
from ...common.files import drop_empty, read, write
from ...common.problem import problem
from ..bundle_form import BundleError
from ..sums import sha256_of
from .bundle_share import BundleFile

INCOMING = ".incoming"
_PROVEN = ".proven.json"
#: Folders whose files all come from the bundle
_OWN = ("apt", "images", "weights")
#: Bytes that stay free
_RESERVE = 1 << 30


class Missing(NamedTuple):
    """A file that a host lacks; ``held`` bytes of it came in an earlier run."""

    path: str
    held: int


def incoming_name(file: BundleFile) -> str:
    """Return the name under which a file grows: that of its place and content."""
    return hashlib.sha256(f"{file.sha256} {file.path}".encode()).hexdigest()[:40] + ".part"


class BundleOnHost:
    """The directory of a bundle on a host."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.incoming = directory / INCOMING
        self._proven = directory / _PROVEN

    def missing(self, files: Sequence[BundleFile], remember: bool = True) -> list[Missing]:
        """Return the files that are not there; content is read only where no stamp says so.

        ``remember`` keeps new stamps.
        """
        stamps, now, lacking = self._stamps(), {}, []
        for file in files:
            place = self._place(file.path)
            stamp = _stamp(place, file.sha256)
            known = stamp is not None and stamps.get(file.path) == stamp
            if (
                stamp is None
                or stamp[2] != file.size
                or not (known or sha256_of(place) == file.sha256)
            ):
                lacking.append(Missing(file.path, self._held(file)))
            else:
                now[file.path] = stamp
        if remember and now != stamps:
            self._keep(now)
        return lacking

    def stale(self, files: Sequence[BundleFile]) -> list[str]:
        """Return files of an earlier bundle that this one does not have, and halves of them."""
        wanted = {file.path for file in files}
        growing = {incoming_name(file) for file in files}
        found = [
            path.relative_to(self.directory).as_posix()
            for area in _OWN
            for path in sorted((self.directory / area).rglob("*"))
            if path.is_symlink() or not path.is_dir()
        ]
        halves = [one.name for one in sorted(self.incoming.glob("*")) if one.name not in growing]
        return [*(one for one in found if one not in wanted), *(f"{INCOMING}/{n}" for n in halves)]

    def begin(self, files: Sequence[BundleFile], missing: Sequence[Missing]) -> list[str]:
        """Delete what is stale and make room for what comes; raise BundleError for a full disk."""
        dropped = self.stale(files)
        for name in dropped:
            (self.directory / name).unlink()
            self._drop_folders((self.directory / name).parent)
        wanted = {one.path for one in missing}
        needed = sum(file.size for file in files if file.path in wanted)
        needed -= sum(one.held for one in missing)
        found = file_system_of(self.directory)
        if needed and found.free < needed + _RESERVE:
            what = f"needs {size(needed)} more, and {size(_RESERVE)} that stay free; the "
            what += f"{found.name} has {size(found.free)}"
            remedy = "free space there, or write a bundle_dir on a larger disk"
            raise BundleError(problem(str(self.directory), what, remedy))
        for folder in (self.directory, self.incoming):
            folder.mkdir(parents=True, exist_ok=True)
            folder.chmod(0o755)
        return dropped

    def adopt(self, files: Sequence[BundleFile]) -> list[str]:
        """Give files that came their places, and return those whose bytes are wrong."""
        wrong, stamps = [], self._stamps()
        for file in files:
            part = self.incoming / incoming_name(file)
            if not part.is_file() or part.is_symlink() or sha256_of(part) != file.sha256:
                wrong.append(file.path)
                with contextlib.suppress(FileNotFoundError):
                    part.unlink()
                continue
            place = self._place(file.path)
            self._make_folder(place.parent)
            part.chmod(0o644)
            part.replace(place)
            stamp = _stamp(place, file.sha256)
            if stamp:
                stamps[file.path] = stamp
        self._keep(stamps)
        return wrong

    def end(self, texts: Mapping[str, str], dry: bool) -> list[str]:
        """Write files that the bundle does not have, such as apt's sources; return what changed.

        Other files in the folders of these are deleted.
        """
        folders = {(self.directory / name).parent for name in texts} - {self.directory}
        others = {path for folder in folders for path in folder.glob("*")}
        others -= {self.directory / name for name in texts}
        changed = [name for name in texts if read(self.directory / name) != texts[name]]
        if not dry:
            for path in others:
                path.unlink()
            for name in changed:
                self._make_folder((self.directory / name).parent)
                write(self.directory / name, texts[name].encode())
            shutil.rmtree(self.incoming, ignore_errors=True)
        return [*changed, *(path.relative_to(self.directory).as_posix() for path in others)]

    def _place(self, path: str) -> Path:
        parts = Path(path).parts
        if not parts or parts[0] not in _OWN or ".." in parts:
            raise BundleError(problem(path, "is no file for a host", "make the bundle anew"))
        return self.directory / path

    def _held(self, file: BundleFile) -> int:
        try:
            return min((self.incoming / incoming_name(file)).stat().st_size, file.size)
        except OSError:
            return 0

    def _make_folder(self, folder: Path) -> None:
        """Make a folder that apt's own user can read, whatever the umask is."""
        if not folder.is_dir():
            self._make_folder(folder.parent)
            folder.mkdir()
            folder.chmod(0o755)

    def _drop_folders(self, folder: Path) -> None:
        while folder != self.directory and not any(folder.iterdir()):
            drop_empty(folder)
            folder = folder.parent

    def _stamps(self) -> dict[str, list[object]]:
        try:
            value = json.loads(read(self._proven))
            return {str(name): list(stamp) for name, stamp in value.items()}
        except (ValueError, TypeError, AttributeError):
            return {}

    def _keep(self, stamps: Mapping[str, list[object]]) -> None:
        if self.directory.is_dir():
            write(self._proven, json.dumps(stamps, indent=1, sort_keys=True).encode())


def _stamp(path: Path, sha256: str) -> list[object] | None:
    """Return what changes when a file is written. Not the ctime, which a hard link changes too."""
    try:
        found = path.lstat()
    except OSError:
        return None
    regular = path.is_file() and not path.is_symlink()
    return [sha256, found.st_ino, found.st_size, found.st_mtime_ns] if regular else None
