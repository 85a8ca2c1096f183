"""A bundle.json for tests, and a directory with a file of each kind."""

from __future__ import annotations

from pathlib import Path

from module_utils.tgi.bundle.bundle_form import (
    BundleApt,
    BundleForm,
    BundleImage,
    BundleModel,
    write_bundle,
)

DIGEST = "sha256:" + "ab" * 32
FORM = BundleForm(
    made="2026-11-29T18:00:00Z",
    commit="c0" * 20,
    systems=("debian-12", "debian-13"),
    images=(BundleImage(f"ghcr.io/huggingface/tgi@{DIGEST}", DIGEST, 12_000_000_000),),
    models=(BundleModel("org/name", "d1" * 20, 9, 15_000_000_000),),
    apt=(
        BundleApt(
            "docker", "debian-13", "https://download.docker.com/linux/debian", "trixie",
            ("stable",), "apt/docker.asc", "apt/debian-13/docker", ("docker-ce=5:29.*",),
        ),
        BundleApt("distribution", "debian-13", "https://mirror.example.org/debian", "trixie",
                  ("main",), None, "apt/debian-13/distribution"),
    ),
    python_version="3.11",
)  # fmt: skip

CONTENT = {
    "apt/debian-13/docker/pool/docker-ce_29.deb": b"a package",
    "images/blobs/sha256/" + "ab" * 32: b"an image",
    "weights/models--org--name/blobs/" + "cd" * 32: b"weights",
    "wheels/httpx-0.28.whl": b"a wheel",
    "project.bundle": b"the project",
}


def bundle_directory(place: Path) -> Path:
    """Make a directory with one small file of each kind, and return it."""
    for name, content in CONTENT.items():
        (place / name).parent.mkdir(parents=True, exist_ok=True)
        (place / name).write_bytes(content)
    write_bundle(place, FORM)
    return place
