"""Test how an image comes into both stores of Docker, each as Docker 26 and 29 answered."""

from __future__ import annotations

import json
import re
import urllib.request
from pathlib import Path

import pytest
from ansible.module_utils.tgi.bundle.bundle_form import BundleError
from ansible.module_utils.tgi.bundle.oci_layout import blob_path
from ansible.module_utils.tgi.bundle.use import layout_image
from ansible.module_utils.tgi.bundle.use.layout_image import name_in_docker, place
from ansible.module_utils.tgi.common.commands import CommandOutput

from tests.support.bundle.small_bundle import make_layout


class Docker:
    """Keep images as one of the stores does: name@digest, or also any tag of the name."""

    def __init__(self, containerd: bool) -> None:
        self.containerd = containerd
        self.images: dict[str, str] = {}
        self.refuses = ""

    def run(self, command: list[str]) -> CommandOutput:
        if command[:2] == ["docker", "info"]:
            kind = "io.containerd.snapshotter.v1" if self.containerd else "extfs"
            return CommandOutput(0, json.dumps([["driver-type", kind]]), "")
        if command[:3] == ["docker", "image", "inspect"]:
            return CommandOutput(0 if self.finds(command[-1]) else 1, "", "No such image")
        assert not self.refuses or command[1] != "pull"
        getattr(self, command[1])(*command[2:])
        return CommandOutput(0, "", "")

    def finds(self, image: str) -> bool:
        name, _, digest = image.partition("@")
        if not self.containerd:
            return image in self.images
        return (
            any(
                one.partition("@")[0].rpartition(":")[0] in (name, name.rpartition(":")[0])
                and there == digest
                for one, there in self.images.items()
            )
            or image in self.images
        )

    def pull(self, image: str) -> None:
        name, _, digest = image.partition("@")
        host, _, path = name.partition("/")
        url = f"http://{host}/v2/{path}/manifests/{digest}"
        with urllib.request.urlopen(url, timeout=5) as reply:
            assert reply.headers["Docker-Content-Digest"] == digest
        self.images[image] = digest

    def tag(self, image: str, tag: str) -> None:
        assert re.fullmatch(r"[\w./-]+:[\w.-]+", tag), tag
        self.images[tag] = self.images[image]

    def rmi(self, image: str) -> None:
        del self.images[image]


@pytest.fixture
def layout(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    # Not the port that a bundle of this machine would use
    monkeypatch.setattr(layout_image, "BUNDLE_REGISTRY", "127.0.0.1:5918")
    monkeypatch.setattr(
        layout_image, "bundle_image",
        lambda image: f"127.0.0.1:5918/org/tgi@{image.partition('@')[2]}",
    )  # fmt: skip
    return tmp_path


@pytest.mark.parametrize("tag", ["", ":3.3.7"])
def test_containerd_keeps_the_name(layout: Path, tag: str) -> None:
    image, docker = f"ghcr.io/org/tgi{tag}@{make_layout(layout)}", Docker(containerd=True)
    assert name_in_docker(image, docker.run) == image
    assert place(image, layout, docker.run)
    assert list(docker.images) == [f"ghcr.io/org/tgi:from-bundle-{image[-64:-52]}"]
    assert not place(image, layout, docker.run)


def test_the_older_store_gets_a_name_on_loopback(layout: Path) -> None:
    image, docker = f"ghcr.io/org/tgi@{make_layout(layout)}", Docker(containerd=False)
    name = name_in_docker(image, docker.run)
    assert name == f"127.0.0.1:5918/org/tgi@{image.partition('@')[2]}"
    assert place(name, layout, docker.run)
    assert list(docker.images) == [name]
    assert not place(name, layout, docker.run)
    assert name_in_docker(name, docker.run) == name


def test_an_image_that_came_from_its_registry_keeps_its_name() -> None:
    docker = Docker(containerd=False)
    docker.images["ghcr.io/org/tgi@sha256:1"] = "sha256:1"
    assert name_in_docker("ghcr.io/org/tgi@sha256:1", docker.run) == "ghcr.io/org/tgi@sha256:1"


def test_a_layer_that_is_missing_is_named_before_docker_is_asked(layout: Path) -> None:
    image, docker = f"ghcr.io/org/tgi@{make_layout(layout)}", Docker(containerd=True)
    docker.refuses = "pull"
    index = json.loads((layout / blob_path(image.partition("@")[2])).read_text())
    manifest = json.loads((layout / blob_path(index["manifests"][0]["digest"])).read_text())
    (layout / blob_path(manifest["layers"][0]["digest"])).unlink()
    with pytest.raises(BundleError, match=r"is missing; run site.yml, which brings it"):
        place(image, layout, docker.run)


def test_dockers_reason_is_told(layout: Path) -> None:
    image = f"ghcr.io/org/tgi@{make_layout(layout)}"

    def run(_: list[str]) -> CommandOutput:
        return CommandOutput(1, "", "no space left on device")

    with pytest.raises(BundleError, match=r"docker pull .* fails: no space left on device; repair"):
        place(image, layout, run)
