"""Make the weights part of a bundle: a directory that tgi_hub_mirror reads, without its links."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Sequence
from pathlib import Path

from ..weights.fetch_progress import progress_line, read_progress
from ..weights.hub_client import HubClient
from ..weights.hub_problem import HubProblem
from ..weights.manifest import Manifest
from ..weights.snapshot_fetch import fetch
from ..weights.snapshot_list import from_hub
from ..weights.snapshot_look import SnapshotWish, look
from ..weights.snapshot_store import SnapshotStore
from .bundle_form import BundleError, BundleModel


class WeightsPart:
    """Snapshots of the Hub, as hf_snapshot fetches and proves them."""

    def __init__(self, bundle: Path, wishes: Sequence[SnapshotWish]) -> None:
        self.place = bundle / "weights"
        self.wishes = list(wishes)
        self._stores = [
            SnapshotStore(self.place, wish.repository, wish.revision) for wish in self.wishes
        ]
        self.changed = False

    def plan(self) -> int:
        """Return how many bytes are to be fetched, as the Hub lists them."""
        total = 0
        for store, wish in zip(self._stores, self.wishes):
            manifest = look(store, wish).manifest
            with _in_words():
                manifest = manifest or self._list(wish)
            sizes = {file.digest: file for file in manifest.files}
            total += sum(file.size for file in sizes.values() if not store.has_size(file))
        return total

    def _list(self, wish: SnapshotWish) -> Manifest:
        client = HubClient(wish.source)
        asked = client.asked(wish.repository, wish.revision)
        return from_hub(client, asked, wish.code, wish.pickle)

    def progress(self) -> str:
        """Return a line on what is being fetched or proven, "" while nothing is."""
        lines = [
            progress_line(value) for one in self._stores if (value := read_progress(one.progress))
        ]
        return "; ".join(lines)

    def fetch(self) -> list[BundleModel]:
        """Bring and prove all; what is there is proven again, as its records do not stay."""
        found = []
        for store, wish in zip(self._stores, self.wishes):
            with _in_words():
                done = fetch(store, wish)
            self.changed = self.changed or bool(done.fetched)
            files = done.manifest.files
            sizes = {file.digest: file.size for file in files}
            found.append(
                BundleModel(wish.repository, wish.revision, len(files), sum(sizes.values()))
            )
        return found

    def settle(self) -> dict[Path, str]:
        """Delete all but manifests and proven files; return file -> SHA-256 where it is known."""
        kept, known = set(), {}
        for store in self._stores:
            manifest = store.manifest()
            kept.add(store.records / f"{store.revision}.json")
            for file in manifest.files if manifest else ():
                kept.add(store.blob(file))
                if file.kind == "sha256":
                    known[store.blob(file)] = file.digest
        for path in sorted(self.place.rglob("*"), reverse=True):
            if path.is_symlink() or (path.is_file() and path not in kept):
                path.unlink()
            elif path.is_dir():
                with contextlib.suppress(OSError):
                    path.rmdir()
        return known


@contextlib.contextmanager
def _in_words() -> Iterator[None]:
    try:
        yield
    except HubProblem as error:
        raise BundleError(str(error)) from error
