"""Test which files of a layout belong to an image."""

from __future__ import annotations

from pathlib import Path

import pytest
from ansible.module_utils.tgi.bundle.bundle_form import BundleError
from ansible.module_utils.tgi.bundle.oci_layout import blob_path, files_of_image, media_type

from tests.support.bundle.small_bundle import make_layout


def test_an_image_has_the_layers_of_one_processor(tmp_path: Path) -> None:
    digest = make_layout(tmp_path)
    found = files_of_image(tmp_path, digest, "arm64")
    contents = {(tmp_path / name).read_bytes() for name in found}
    assert found[:3] == ["oci-layout", "index.json", blob_path(digest)]
    # The index, both manifests, the configuration and the layer of one
    assert len(found) == 2 + 5
    assert b"layer for arm64" in contents


@pytest.mark.parametrize("text", ["not JSON", "[]", "{}", '{"layers": [1]}'])
def test_a_damaged_manifest_is_named(tmp_path: Path, text: str) -> None:
    digest = make_layout(tmp_path)
    (tmp_path / blob_path(digest)).write_text(text)
    with pytest.raises(BundleError, match="is no manifest of an image"):
        files_of_image(tmp_path, digest)


def test_a_digest_stays_in_the_layout(tmp_path: Path) -> None:
    with pytest.raises(BundleError, match="is no digest"):
        files_of_image(tmp_path, "sha256:../../../etc/passwd")


def test_a_manifest_without_a_type_gets_that_of_oci() -> None:
    assert media_type({"layers": []}) == "application/vnd.oci.image.manifest.v1+json"
    assert media_type({"manifests": []}) == "application/vnd.oci.image.index.v1+json"
    assert media_type({"mediaType": "a/b", "layers": []}) == "a/b"
