"""Test what of an earlier run stays, and that ``--check`` and a run beside it change nothing."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from ansible.module_utils.tgi.bundle.bundle_form import BundleError
from ansible.module_utils.tgi.bundle.bundle_make import Made, MakeWish, make_bundle
from ansible.module_utils.tgi.bundle.bundle_record import held
from ansible.module_utils.tgi.bundle.signature import verify_signature
from ansible.module_utils.tgi.bundle.sums import read_sums, verify_sums

from tests.support.bundle.apt_site import signer
from tests.support.bundle.bundle_site import PROGRAMS
from tests.support.bundle.small_bundle import flip

pytestmark = pytest.mark.skipif(
    not all(map(shutil.which, PROGRAMS)), reason=f"needs {', '.join(PROGRAMS)}"
)


def check(wish: MakeWish) -> tuple[Made, list[str]]:
    said: list[str] = []
    return make_bundle(wish, said.append, dry=True), said


def contents(place: Path) -> dict[str, bytes]:
    return {str(path): path.read_bytes() for path in place.rglob("*") if path.is_file()}


@pytest.mark.parametrize("dry", [False, True])
def test_a_run_beside_another_is_refused_and_takes_nothing(
    bundle: Path, wish: MakeWish, dry: bool
) -> None:
    work = bundle / ".making"
    with held(work):
        (work / "half").write_text("of the other run")
        before = contents(bundle)
        with pytest.raises(BundleError, match=r"is being made by another run; wait for it"):
            make_bundle(wish, lambda _: None, dry=dry)
        assert contents(bundle) == before


def test_check_keeps_what_a_killed_run_fetched(wish: MakeWish) -> None:
    came = wish.bundle / ".making/apt/debian-13/archives/partial/nginx_1.1_amd64.deb"
    came.parent.mkdir(parents=True)
    came.write_bytes(b"half")
    check(wish)
    assert came.read_bytes() == b"half"


@pytest.mark.parametrize(
    ("pattern", "kind", "said"),
    [
        ("apt/**/logrotate*.deb", "packages of debian-13", "is not the one in SHA256SUMS"),
        ("images/blobs/sha256/*", "images", "is not its name"),
        ("wheels/*.whl", "wheels", "is not the one in SHA256SUMS"),
    ],
)
def test_check_names_damage_with_its_size_and_leaves_it(
    bundle: Path, wish: MakeWish, pattern: str, kind: str, said: str
) -> None:
    path = max(bundle.glob(pattern), key=lambda one: one.stat().st_size)
    flip(path)
    before = contents(bundle)
    made, lines = check(wish)
    assert contents(bundle) == before
    assert lines[0] == f"{path.relative_to(bundle)}: its SHA-256 {said}"
    if kind != "wheels":
        assert made.sizes == {kind: path.stat().st_size}


def test_a_damaged_image_is_found_before_the_sizes_are_said(
    bundle: Path, wish: MakeWish, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A blob of an image that a full disk could not take again."""
    flip(max(bundle.glob("images/blobs/sha256/*"), key=lambda one: one.stat().st_size))
    said: list[str] = []
    with monkeypatch.context() as patch:
        patch.setattr("ansible.module_utils.tgi.bundle.bundle_make._RESERVE", 1 << 60)
        with pytest.raises(BundleError, match=r"more, and .* that stay free"):
            make_bundle(wish, said.append)
    assert said[0].endswith("its SHA-256 is not its name; it is fetched again")
    assert said[-1].startswith("in all: ")
    assert make_bundle(wish, lambda _: None).fetched == ["images"]
    assert verify_sums(bundle, read_sums(bundle)) == []


def test_each_run_signs_by_its_own_key(bundle: Path, wish: MakeWish, tmp_path: Path) -> None:
    """Sign by one key, by another, and again where the signature was damaged."""
    sums = (bundle / "SHA256SUMS").read_bytes()
    with signer(tmp_path / "a") as one, signer(tmp_path / "b") as other:
        for number, key in enumerate((one, other, other)):
            (tmp_path / "key").write_bytes(key.secret)
            (tmp_path / "pub").write_bytes(key.public)
            made = make_bundle(replace(wish, signing_key=tmp_path / "key"), lambda _: None)
            # Only the first one found no signature
            assert (made.signature, made.changed) == ("SHA256SUMS.asc", number == 0)
            verify_signature(bundle, tmp_path / "pub")
            (bundle / made.signature).write_bytes(b"damaged")
    assert (bundle / "SHA256SUMS").read_bytes() == sums


def test_check_says_that_the_project_alone_would_change_it(bundle: Path, wish: MakeWish) -> None:
    (bundle / "project.bundle").unlink()
    made, lines = check(wish)
    assert (made.changed, lines[0]) == (True, "project.bundle: is missing")


def test_a_system_that_is_no_longer_wanted_goes(bundle: Path, wish: MakeWish) -> None:
    older = wish.apt[0]._replace(system="debian-12")
    make_bundle(replace(wish, apt=[*wish.apt, older]), lambda _: None)
    assert list(bundle.glob("apt/debian-12/**/nginx*.deb"))
    make_bundle(wish, lambda _: None)
    assert sorted(one.name for one in (bundle / "apt").iterdir()) == ["debian-13", "nvidia.asc"]
    form: dict[str, Any] = json.loads((bundle / "bundle.json").read_text())
    assert form["systems"] == ["debian-13"]
    assert verify_sums(bundle, read_sums(bundle)) == []
