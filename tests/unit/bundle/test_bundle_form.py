"""Test bundle.json: what is written is read, and anything else is refused in words."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from module_utils.tgi.bundle.bundle_form import (
    BundleError,
    from_bundle_text,
    kind_of,
    read_bundle,
    write_bundle,
)
from tests.support.bundle.samples import FORM


def test_what_is_written_is_read(tmp_path: Path) -> None:
    write_bundle(tmp_path, FORM)
    assert read_bundle(tmp_path) == FORM


def test_the_file_has_the_agreed_names() -> None:
    value = json.loads(FORM.as_text())
    assert list(value) == [
        "form", "made", "commit", "systems", "architecture", "images", "models", "apt", "python",
    ]  # fmt: skip
    assert set(value["images"][0]) == {"reference", "digest", "bytes"}
    assert set(value["models"][0]) == {"model_id", "revision", "files", "bytes"}
    assert value["python"] == {"version": "3.11", "requirements": "wheels/requirements.txt"}


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"form": 2}, "has form 2, and this version reads form 1; deploy with the repository"),
        ({"commit": "HEAD"}, "'HEAD' is not as"),
        ({"systems": ["Debian"]}, "'Debian' is not as"),
        ({"images": [{"reference": "a", "digest": "x", "bytes": 1}]}, "'x' is not as"),
        ({"models": [{}]}, "KeyError"),
        ({"python": {"version": "3.11", "requirements": "../../etc/passwd"}}, "is not as"),
        ({"python": {"version": "3.11", "requirements": "/etc/passwd"}}, "is not as"),
    ],
)
def test_another_content_is_refused(change: dict[str, Any], said: str) -> None:
    with pytest.raises(BundleError, match=r"bundle.json") as caught:
        from_bundle_text(json.dumps({**json.loads(FORM.as_text()), **change}))
    assert said in str(caught.value)


@pytest.mark.parametrize("text", ["", "[]", "{", "3", "[" * 100_000])
def test_no_json_is_refused(text: str) -> None:
    with pytest.raises(BundleError, match="does not say what is in the bundle"):
        from_bundle_text(text)


def test_a_directory_without_it_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BundleError, match=r"has no bundle.json .*playbooks/bundle.yml"):
        read_bundle(tmp_path)


def test_a_file_has_a_kind() -> None:
    files = ("apt/debian-13/docker/pool/a.deb", "images/index.json", "weights/m/blobs/1")
    assert [*map(kind_of, files)] == ["package", "image", "weights"]
    assert [*map(kind_of, ("wheels/a.whl", "bundle.json"))] == ["wheel", "project"]
