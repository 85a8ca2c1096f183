"""Read the OCI layout of a bundle: which blobs an image needs, whole or not, and no others."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

from ..common.files import write

#: The annotation by which skopeo and others name an image
NAME = "org.opencontainers.image.ref.name"
_DIGEST = re.compile(r"sha256:([0-9a-f]{64})")
_LAYOUT = b'{"imageLayoutVersion": "1.0.0"}'


class ImageBlob(NamedTuple):
    """What a manifest refers to; ``manifest``: it refers to others itself."""

    digest: str
    size: int
    media_type: str
    manifest: bool


def digest_in(reference: str) -> str:
    """Return the digest of NAME@sha256:…, "" when there is none."""
    name, _, digest = reference.rpartition("@")
    return digest if name and _DIGEST.fullmatch(digest) else ""


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
    if not _DIGEST.fullmatch(digest):
        raise ValueError(f"the digest {digest} is not SHA-256")
    return ImageBlob(digest, size, str(value.get("mediaType", "")), manifest)


class ImageLayout:
    """The directory images/ of a bundle."""

    def __init__(self, place: Path) -> None:
        self.place = place
        self.blobs = place / "blobs" / "sha256"

    def blob(self, digest: str) -> Path:
        """Return the file of a blob."""
        return self.blobs / digest.partition(":")[2]

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
        needed = list(self.needed(digest))
        return bool(needed) and all(self._has(one) for one in needed)

    def _has(self, blob: ImageBlob) -> bool:
        path = self.blob(blob.digest)
        return path.is_file() and path.stat().st_size == blob.size

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
        index = {
            "schemaVersion": 2,
            "mediaType": "application/vnd.oci.image.index.v1+json",
            "manifests": manifests,
        }
        write(self.place / "index.json", json.dumps(index, indent=1).encode() + b"\n")
        write(self.place / "oci-layout", _LAYOUT)
        kept.update({self.place / "index.json", self.place / "oci-layout"})
        for path in self.place.rglob("*"):
            if path.is_file() and path not in kept:
                path.unlink()
        for path in sorted(self.place.glob("oci-put-blob*")):
            path.rmdir()

    def _entry(self, reference: str) -> dict[str, Any]:
        digest = digest_in(reference)
        content = self.blob(digest).read_bytes()
        value = json.loads(content)
        kind = value.get("mediaType") or (
            "application/vnd.oci.image.index.v1+json"
            if "manifests" in value
            else "application/vnd.oci.image.manifest.v1+json"
        )
        return {
            "mediaType": kind,
            "digest": digest,
            "size": len(content),
            "annotations": {NAME: reference},
        }
