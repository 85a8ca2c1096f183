"""Test SHA256SUMS: sha256sum reads it, and every byte, file and link that differs is named."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from module_utils.tgi.bundle.bundle_form import BundleError
from module_utils.tgi.bundle.sums import (
    SUMS,
    files_of,
    read_sums,
    size_of,
    sums_of,
    verify_sums,
    write_sums,
)
from tests.support.bundle.samples import CONTENT, bundle_directory


@pytest.fixture
def bundle(tmp_path: Path) -> Path:
    place = bundle_directory(tmp_path / "bundle")
    write_sums(place, sums_of(place))
    return place


def test_sha256sum_reads_it(bundle: Path) -> None:
    subprocess.run(["sha256sum", "--check", "--strict", "--quiet", SUMS], cwd=bundle, check=True)
    names = [line.split("  ")[1] for line in (bundle / SUMS).read_text().splitlines()]
    assert names == sorted([*CONTENT, "bundle.json"])


def test_a_whole_bundle_has_no_problem(bundle: Path) -> None:
    read: list[int] = []
    (bundle / "SHA256SUMS.minisig").write_text("a signature is not listed")
    assert verify_sums(bundle, read_sums(bundle), read.append) == []
    assert sum(read) == size_of(bundle)


@pytest.mark.parametrize("name", [*CONTENT, "bundle.json"])
def test_one_flipped_bit_is_named(bundle: Path, name: str) -> None:
    content = bytearray((bundle / name).read_bytes())
    content[-1] ^= 1
    (bundle / name).write_bytes(content)
    (found,) = verify_sums(bundle, read_sums(bundle))
    assert (found.file, found.state) == (name, "changed")
    assert str(found).startswith(f"{name}: its SHA-256 is ")
    assert f"SHA256SUMS says {read_sums(bundle)[name]}" in str(found)


def test_missing_and_extra_files_are_named(bundle: Path) -> None:
    (bundle / "project.bundle").unlink()
    (bundle / "apt" / ".hidden").write_text("")
    assert [*map(str, verify_sums(bundle, read_sums(bundle)))] == [
        "apt/.hidden: is not in SHA256SUMS",
        "project.bundle: is missing",
    ]


def test_a_link_is_named_even_to_the_same_content(bundle: Path, tmp_path: Path) -> None:
    wheel = bundle / "wheels/httpx-0.28.whl"
    wheel.rename(tmp_path / "elsewhere")
    wheel.symlink_to(tmp_path / "elsewhere")
    (bundle / "images/more").symlink_to(tmp_path)
    found = {(one.file, one.state) for one in verify_sums(bundle, read_sums(bundle))}
    assert found == {("images/more", "link"), ("wheels/httpx-0.28.whl", "link")}


def test_no_sums_are_made_over_a_link(bundle: Path) -> None:
    (bundle / "images/more").symlink_to("/etc")
    with pytest.raises(BundleError, match=r"images/more is a link"):
        sums_of(bundle)


def test_known_files_are_not_read_again(bundle: Path) -> None:
    known = dict.fromkeys(files_of(bundle), "00" * 32)
    read: list[int] = []
    assert sums_of(bundle, known, read.append) == known
    assert read == []


@pytest.mark.parametrize("line", ["nothing", f"{'a' * 64}  ../etc/passwd", f"{'a' * 64}  /etc/x"])
def test_a_list_that_is_none_is_refused(bundle: Path, line: str) -> None:
    (bundle / SUMS).write_text(f"{line}\n")
    with pytest.raises(BundleError, match="SHA256SUMS line 1 is no SHA-256 with a file"):
        read_sums(bundle)


def test_without_the_list_it_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BundleError, match="has no SHA256SUMS"):
        read_sums(tmp_path)
