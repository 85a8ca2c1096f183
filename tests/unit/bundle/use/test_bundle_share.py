"""Test which files of a bundle a host gets, and that what the bundle lacks is named."""

from __future__ import annotations

from pathlib import Path

import pytest
from ansible.module_utils.tgi.bundle.bundle_form import BundleError, read_bundle
from ansible.module_utils.tgi.bundle.sums import read_sums
from ansible.module_utils.tgi.bundle.use.bundle_share import HostNeeds, lacking, share

from tests.support.bundle.small_bundle import ENTRY, MODEL, REVISION, small_bundle

ADAPTERS = {"lora_adapters": [f"a/b@{'f' * 40}"]}


def names(bundle: Path, needs: HostNeeds) -> list[str]:
    found = share(bundle, read_bundle(bundle), read_sums(bundle), needs)
    assert all(one.size == (bundle / one.path).stat().st_size for one in found)
    return [one.path for one in found]


def test_a_gateway_gets_packages_alone(tmp_path: Path) -> None:
    small_bundle(tmp_path)
    found = names(tmp_path, HostNeeds("debian-13"))
    assert {name.split("/")[0] for name in found} == {"apt"}
    assert {"apt/docker.asc", "apt/debian-13/docker/pool/docker-ce_29.deb"} < set(found)


def test_a_gpu_host_gets_its_image_for_its_processor_and_its_weights(tmp_path: Path) -> None:
    image = small_bundle(tmp_path)
    needs = HostNeeds("debian-13", image, [ENTRY])
    found = names(tmp_path, needs)
    texts = {(tmp_path / name).read_bytes() for name in found if name.startswith("images/blobs")}
    assert b"layer for amd64" in texts
    assert b"layer for arm64" not in texts
    assert len([name for name in found if name.startswith("weights/")]) == 3
    assert lacking(read_bundle(tmp_path), needs) == []


def test_weights_of_another_model_stay(tmp_path: Path) -> None:
    image = small_bundle(tmp_path)
    local = {**ENTRY, "model_id": "/data/own"}
    found = names(tmp_path, HostNeeds("debian-13", image, [local]))
    assert not [one for one in found if one.startswith("weights")]


@pytest.mark.parametrize(
    ("needs", "said"),
    [
        (HostNeeds("debian-12"), 'the host has debian-12, and the bundle packages for debian-13'),
        (HostNeeds("rocky-9", apt=False), "the host installs by another program than apt"),
        (HostNeeds("debian-13", "ghcr.io/a/b@sha256:00"), "tgi_image is ghcr.io/a/b@sha256:00"),
        (HostNeeds("debian-13", models=[{**ENTRY, "revision": "e" * 40}]),
         f'model "small" needs {MODEL} at {"e" * 40}, which the bundle does not have; write'),
        (HostNeeds("debian-13", models=[{**ENTRY, "model_id": "org/other"}]),
         f'model "small" needs org/other at {REVISION}, which the bundle does not have; make'),
        (HostNeeds("debian-13", models=[{**ENTRY, "options": ADAPTERS}]),
         f'model "small" needs a/b at {"f" * 40}'),
        (HostNeeds("debian-13", models=[{**ENTRY, "weights": "container"}]),
         'model "small" has weights: container, which would ask the Hub; delete it'),
    ],
)  # fmt: skip
def test_what_it_lacks_is_named(tmp_path: Path, needs: HostNeeds, said: str) -> None:
    small_bundle(tmp_path)
    (line,) = lacking(read_bundle(tmp_path), needs)
    assert line.startswith(said)


def test_a_file_that_the_sums_do_not_name_is_refused(tmp_path: Path) -> None:
    small_bundle(tmp_path)
    sums = {name: one for name, one in read_sums(tmp_path).items() if "blobs" not in name}
    with pytest.raises(BundleError, match="is not in the bundle, which needs it"):
        share(tmp_path, read_bundle(tmp_path), sums, HostNeeds("debian-13", "", [ENTRY]))
