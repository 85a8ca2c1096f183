"""Read the OCI layout of a bundle: which blobs an image needs, whole or not, and no others."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

from ..common.files import write
from .bundle_form import DIGEST
from .oci_layout import INDEX, LAYOUT, blob_path, media_type

#: The annotation by which skopeo and others name an image
NAME = "org.opencontainers.image.ref.name"
_LAYOUT = b'{"imageLayoutVersion": "1.0.0"}'


class ImageBlob(NamedTuple):
    """What a manifest refers to; ``manifest``: it refers to others itself."""

    digest: str
    size: int
    manifest: bool


def digest_in(reference: str) -> str:
    """Return the digest of NAME@sha256:…, "" when there is none."""
    name, _, digest = reference.rpartition("@")
    return digest if name and DIGEST.fullmatch(digest) else ""


def referred(manifest: Mapping[str, Any]) -> list[ImageBlob]:
    """Return the blobs of a manifest or an index; raise ValueError for another content."""
    try:
        inner = [_blob(one, True) for one in manifest.get("manifests") or ()]
        outer = [one for one in (manifest.get("config"), *(manifest.get("layers") or ())) if one]
        return [*inner, *(_blob(one, False) for one in outer)]
    except (LookupError, TypeError, AttributeError) as error:
        raise ValueError(f"no manifest of an image ({error})") from error


def _blob(value: Mapping[str, Any], manifest: bool) -> ImageBlob:
    digest, size = str(value["digest"]), int(value["size"])
    if not DIGEST.fullmatch(digest):
        raise ValueError(f"the digest {digest} is not SHA-256")
    return ImageBlob(digest, size, manifest)


class ImageLayout:
    """The directory images/ of a bundle."""

    def __init__(self, place: Path) -> None:
        self.place = place
        self.blobs = place / "blobs" / "sha256"
        #: Blobs that are there with other bytes
        self.damaged: set[Path] = set()

    def blob(self, digest: str) -> Path:
        """Return the file of a blob."""
        return self.place / blob_path(digest)

    def needed(self, digest: str) -> Iterator[ImageBlob]:
        """Yield the blobs of an image, as far as its manifests are there; each one may repeat."""
        try:
            content = json.loads(self.blob(digest).read_bytes())
            inner = referred(content) if isinstance(content, dict) else []
        except (OSError, ValueError, RecursionError):
            return
        for one in inner:
            yield one
            if one.manifest:
                yield from self.needed(one.digest)

    def is_whole(self, digest: str) -> bool:
        """Return whether all blobs of an image are there with their sizes."""
        needed = list(self.needed(digest)) if self.has(digest) else []
        return bool(needed) and all(self._is_as_long(one) for one in needed)

    def has(self, digest: str) -> bool:
        """Return whether a blob is there and not known to be damaged."""
        path = self.blob(digest)
        return path.is_file() and path not in self.damaged

    def _is_as_long(self, blob: ImageBlob) -> bool:
        return self.has(blob.digest) and self.blob(blob.digest).stat().st_size == blob.size

    def size(self, digest: str) -> int:
        """Return the bytes of an image's blobs, its own manifest's too."""
        sizes = {one.digest: one.size for one in self.needed(digest)}
        return sum(sizes.values()) + self.blob(digest).stat().st_size

    def bytes_there(self) -> int:
        """Return the bytes of all files, also of those that are growing."""
        found = 0
        for path in self.place.rglob("*") if self.place.exists() else ():
            try:
                found += path.stat().st_size if path.is_file() else 0
            except FileNotFoundError:  # it was renamed
                continue
        return found

    def settle(self, references: Iterable[str]) -> None:
        """Write the index of these images and delete what is of no image, such as cut blobs."""
        named = sorted(set(references))
        kept = {self.blob(digest_in(one)) for one in named}
        for one in named:
            kept.update(self.blob(blob.digest) for blob in self.needed(digest_in(one)))
        manifests = [self._entry(one) for one in named]
        self.blobs.mkdir(parents=True, exist_ok=True)
        kind = media_type({"manifests": manifests})
        index = {"schemaVersion": 2, "mediaType": kind, "manifests": manifests}
        write(self.place / INDEX, json.dumps(index, indent=1).encode() + b"\n")
        write(self.place / LAYOUT, _LAYOUT)
        kept.update({self.place / INDEX, self.place / LAYOUT})
        for path in self.place.rglob("*"):
            if path.is_file() and path not in kept:
                path.unlink()
        for path in sorted(self.place.glob("oci-put-blob*")):
            path.rmdir()

    def _entry(self, reference: str) -> dict[str, Any]:
        digest = digest_in(reference)
        content = self.blob(digest).read_bytes()
        return {
            "mediaType": media_type(json.loads(content)),
            "digest": digest,
            "size": len(content),
            "annotations": {NAME: reference},
        }
