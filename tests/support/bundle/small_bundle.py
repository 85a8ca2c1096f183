"""A whole small bundle: packages' indexes, an image of two platforms, weights of a model."""

from __future__ import annotations

import hashlib
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

from module_utils.tgi.bundle.bundle_form import BundleImage, BundleModel, write_bundle
from module_utils.tgi.bundle.sums import sums_of, write_sums
from module_utils.tgi.weights.manifest import Manifest, WeightFile
from tests.support.bundle.samples import FORM

MODEL, REVISION = "org/name", "d1" * 20
ENTRY = {"name": "small", "model_id": MODEL, "revision": REVISION, "options": {}}
WEIGHTS = {"config.json": b"{}", "model.safetensors": bytes(range(256)) * 100}
_FILES = {
    "apt/docker.asc": b"a key",
    "apt/debian-13/docker/dists/trixie/InRelease": b"signed",
    "apt/debian-13/docker/pool/docker-ce_29.deb": b"a package",
    "apt/debian-13/distribution/dists/trixie/InRelease": b"signed too",
    "wheels/httpx-0.28.whl": b"a wheel",
    "project.bundle": b"the project",
}
_OCI = "application/vnd.oci.image"


def small_bundle(place: Path) -> str:
    """Make a bundle with its sums, and return the reference of its image."""
    for name, content in _FILES.items():
        _put(place / name, content)
    digest = make_layout(place / "images")
    make_weights(place / "weights")
    reference = f"ghcr.io/org/tgi@{digest}"
    size = sum(map(len, WEIGHTS.values()))
    form = replace(
        FORM,
        systems=("debian-13",),
        images=(BundleImage(reference, digest, 1000),),
        models=(BundleModel(MODEL, REVISION, len(WEIGHTS), size),),
    )
    write_bundle(place, form)
    write_sums(place, sums_of(place))
    return reference


def make_layout(layout: Path) -> str:
    """Make an OCI layout with an image for amd64 and arm64; return the digest of its index."""
    listed = []
    for architecture in ("amd64", "arm64"):
        config = _blob(layout, json.dumps({"architecture": architecture}).encode())
        layers = [{"digest": _blob(layout, f"layer for {architecture}".encode())}]
        manifest = _blob(layout, _json({"config": {"digest": config}, "layers": layers}))
        platform = {"os": "linux", "architecture": architecture}
        listed.append({"digest": manifest, "platform": platform})
    index = _blob(layout, _json({"mediaType": f"{_OCI}.index.v1+json", "manifests": listed}))
    _put(layout / "oci-layout", b'{"imageLayoutVersion": "1.0.0"}')
    _put(layout / "index.json", _json({"schemaVersion": 2, "manifests": [{"digest": index}]}))
    return index


def make_weights(mirror: Path) -> None:
    """Make a mirror's directory of one model, as hf_snapshot reads it."""
    folder = "models--" + MODEL.replace("/", "--")
    files = []
    for name, content in WEIGHTS.items():
        digest = hashlib.sha256(content).hexdigest()
        _put(mirror / folder / "blobs" / digest, content)
        files.append(WeightFile(name, len(content), "sha256", digest))
    text = Manifest(MODEL, REVISION, tuple(files)).as_text()
    _put(mirror / ".tgi-ansible" / folder / f"{REVISION}.json", text.encode())


def flip(path: Path) -> None:
    """Change one bit of a file."""
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)


def _json(value: Any) -> bytes:
    return json.dumps(value).encode()


def _blob(layout: Path, content: bytes) -> str:
    digest = hashlib.sha256(content).hexdigest()
    _put(layout / "blobs/sha256" / digest, content)
    return f"sha256:{digest}"


def _put(path: Path, content: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
