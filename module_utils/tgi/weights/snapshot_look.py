"""Say what of a snapshot is on a host, without reading its files or asking a server."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from .hub_connection import PUBLIC, HubSource
from .manifest import Manifest, WeightFile
from .snapshot_store import SnapshotStore
from .wanted_files import is_weight

#: Bytes that stay free on the disk
_RESERVE = 1 << 30
#: Endings of what TGI reads besides safetensors: adapter_config.json, say, makes it load others
_READ = (".bin", ".jinja", ".json", ".model", ".pt", ".py", ".tiktoken")


@dataclass(frozen=True)
class SnapshotWish:
    """What is wanted, and how: ``verify`` "start" proves every file anew."""

    repository: str
    revision: str
    source: HubSource = PUBLIC
    #: A directory to copy from instead
    mirror: str = ""
    code: bool = False
    pickle: bool = False
    verify: str = "once"
    workers: int = 8
    throttle: float = 0
    reserve: int = _RESERVE


class Standing(NamedTuple):
    """What of a snapshot is there. Without a manifest nothing is known."""

    manifest: Manifest | None
    missing: Sequence[WeightFile] = ()
    unproven: Sequence[WeightFile] = ()
    #: Whether links, ref and modes are right, and nothing else would be loaded
    in_place: bool = False

    @property
    def settled(self) -> bool:
        """Return whether nothing would change, as far as is known without reading content."""
        return bool(self.manifest) and self.in_place and not self.missing

    @property
    def complete(self) -> bool:
        """Return whether nothing is to do."""
        return self.settled and not self.unproven


def look(store: SnapshotStore, wish: SnapshotWish) -> Standing:
    """Return what is there; reads no file's content, and asks no server."""
    manifest = store.manifest()
    if manifest is None or _is_other(manifest, wish):
        return Standing(None)
    stamps, missing, unproven = store.stamps(), [], []
    for file in manifest.files:
        if not store.has_size(file):
            missing.append(file)
        elif wish.verify == "start" or (
            wish.verify == "once" and stamps.get(file.digest) != store.stamp(file)
        ):
            unproven.append(file)
    there = [file for file in manifest.files if file not in missing]
    in_place = (
        store.has_ref()
        and not store.wrong_links(manifest)
        and not surplus_files(store, manifest, wish)
        and all(map(store.is_readable, there))
    )
    return Standing(manifest, missing, unproven, in_place)


def _is_other(manifest: Manifest, wish: SnapshotWish) -> bool:
    """Return whether a manifest lacks code that is now wanted, or has pickles that are not."""
    pickled = not any(is_weight(file.path) for file in manifest.files)
    return (wish.code and not manifest.code) or (pickled and not wish.pickle)


def surplus_files(store: SnapshotStore, manifest: Manifest, wish: SnapshotWish) -> list[Path]:
    """Return what TGI would read though the manifest does not name it; a container may plant it.

    Beside accepted pickles, TGI itself writes the safetensors that it converts.
    """
    return store.surplus(manifest, _READ if wish.pickle else (".safetensors", *_READ))
