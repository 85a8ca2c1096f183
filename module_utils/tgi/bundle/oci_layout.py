"""Read an OCI layout, a directory of images: which files belong to one image."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from ..common.problem import problem
from .bundle_form import ARCHITECTURE, DIGEST, BundleError

LAYOUT = "oci-layout"
INDEX = "index.json"
#: More than any manifest has
_MOST = 4 << 20


def blob_path(digest: str) -> str:
    """Return the place of a blob below the layout; raise BundleError for what is no digest."""
    if not DIGEST.fullmatch(digest):
        raise BundleError(problem(digest[:100], "is no digest", "make the bundle anew"))
    return f"blobs/{digest.replace(':', '/')}"


def files_of_image(layout: Path, digest: str, architecture: str = ARCHITECTURE) -> list[str]:
    """Return the files of an image below its layout, for one processor; LAYOUT and INDEX first.

    Manifests of other processors are among them, as the image's index names them, but not their
    layers. Raise BundleError when the layout lacks one.
    """
    return list(dict.fromkeys([LAYOUT, INDEX, *_closure(layout, digest, architecture)]))


def _closure(layout: Path, digest: str, architecture: str) -> Iterator[str]:
    yield blob_path(digest)
    document = read_manifest(layout, digest)
    for one in document.get("manifests") or []:
        platform = one.get("platform") or {}
        inner = str(one["digest"])
        # Attestations, of an unknown processor, are small; Docker may ask for them
        if platform.get("architecture") in (architecture, "unknown", None):
            yield from _closure(layout, inner, architecture)
        elif (layout / blob_path(inner)).is_file():
            yield blob_path(inner)
    for one in [document.get("config"), *(document.get("layers") or [])]:
        if isinstance(one, Mapping):
            yield blob_path(str(one["digest"]))


def read_manifest(layout: Path, digest: str) -> dict[str, Any]:
    """Return a manifest or an index of manifests; raise BundleError when it is none."""
    path = layout / blob_path(digest)
    try:
        with path.open("rb") as file:
            document = json.loads(file.read(_MOST))
        entries = [*(document.get("manifests") or []), *(document.get("layers") or [])]
        entries += [document["config"]] if "config" in document else []
        if not entries or not all(isinstance(one["digest"], str) for one in entries):
            raise ValueError("it names no blobs")
    except (OSError, ValueError, LookupError, TypeError, AttributeError) as error:
        what = f"is no manifest of an image ({error})"
        raise BundleError(problem(str(path), what, "make the bundle anew")) from error
    return dict(document)


def media_type(document: Mapping[str, Any]) -> str:
    """Return the type of a manifest; those of OCI may leave it out."""
    kind = "index" if "manifests" in document else "manifest"
    return str(document.get("mediaType") or f"application/vnd.oci.image.{kind}.v1+json")
