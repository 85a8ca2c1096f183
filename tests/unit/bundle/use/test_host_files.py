"""Test what a host keeps of a bundle: proven once, complete, and nothing of an older one."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path

import pytest
from ansible.module_utils.tgi.bundle.bundle_form import BundleError
from ansible.module_utils.tgi.bundle.use import host_files
from ansible.module_utils.tgi.bundle.use.bundle_share import BundleFile
from ansible.module_utils.tgi.bundle.use.host_files import BundleOnHost, Missing, incoming_name

from tests.support.bundle.small_bundle import flip


def file(path: str, content: bytes) -> BundleFile:
    return BundleFile(path, hashlib.sha256(content).hexdigest(), len(content))


CONTENT = {"apt/debian-13/a.deb": b"a package", "weights/models--o--n/blobs/aa": b"weights"}
FILES = [file(name, content) for name, content in CONTENT.items()]


def bring(there: BundleOnHost, files: list[BundleFile] = FILES) -> list[str]:
    there.begin(files, there.missing(files))
    for one in files:
        (there.incoming / incoming_name(one)).write_bytes(CONTENT[one.path])
    return there.adopt(files)


@pytest.fixture
def there(tmp_path: Path) -> BundleOnHost:
    return BundleOnHost(tmp_path / "bundle")


def test_files_come_to_their_places_readable_by_apt(there: BundleOnHost) -> None:
    before = os.umask(0o077)
    try:
        assert bring(there) == []
    finally:
        os.umask(before)
    package = there.directory / "apt/debian-13/a.deb"
    assert package.read_bytes() == b"a package"
    assert [oct(one.stat().st_mode)[-3:] for one in (package, package.parent)] == ["644", "755"]


def test_a_second_look_reads_no_content(
    there: BundleOnHost, monkeypatch: pytest.MonkeyPatch
) -> None:
    bring(there)

    def fail(*_: object) -> str:
        raise AssertionError("content was read")

    monkeypatch.setattr(host_files, "sha256_of", fail)
    assert there.missing(FILES) == []
    # Weights get a second name in the models' directory
    os.link(there.directory / FILES[1].path, there.directory / "second")
    assert there.missing(FILES) == []


def test_a_changed_file_is_missing(there: BundleOnHost) -> None:
    bring(there)
    flip(there.directory / FILES[0].path)
    os.utime(there.directory / FILES[0].path, (1, 1))
    assert there.missing(FILES) == [Missing(FILES[0].path, 0)]


def test_wrong_bytes_get_no_place(there: BundleOnHost) -> None:
    there.begin(FILES, there.missing(FILES))
    (there.incoming / incoming_name(FILES[0])).write_bytes(b"a pAckage")
    assert there.adopt(FILES[:1]) == [FILES[0].path]
    assert not (there.directory / FILES[0].path).exists()
    assert there.missing(FILES[:1]) == [Missing(FILES[0].path, 0)]


def test_a_half_stays_for_the_next_run(there: BundleOnHost) -> None:
    there.begin(FILES, there.missing(FILES))
    (there.incoming / incoming_name(FILES[1])).write_bytes(b"wei")
    assert there.missing(FILES)[1] == Missing(FILES[1].path, 3)
    assert there.stale(FILES) == []


def test_files_of_an_earlier_bundle_go(there: BundleOnHost) -> None:
    bring(there)
    (there.incoming / "other.part").write_bytes(b"half")
    newer = [FILES[1]]
    wanted = [FILES[0].path, ".incoming/other.part"]
    assert there.stale(newer) == wanted
    assert there.begin(newer, []) == wanted
    assert not (there.directory / "apt").exists()
    assert (there.directory / FILES[1].path).exists()


def test_a_disk_that_is_too_small_is_named_first(there: BundleOnHost) -> None:
    huge = BundleFile("weights/models--o--n/blobs/bb", "0" * 64, 1 << 60)
    with pytest.raises(BundleError, match=r"needs .* more, and 1.0 GiB that stay free; .*disk"):
        there.begin([huge], [Missing(huge.path, 0)])
    assert not there.directory.exists()


@pytest.mark.parametrize("path", ["../../etc/passwd", "apt/../../x", "wheels/a.whl", "/etc/x"])
def test_nothing_comes_to_other_places(there: BundleOnHost, path: str) -> None:
    with pytest.raises(BundleError, match="is no file for a host"):
        there.missing([BundleFile(path, "0" * 64, 1)])


def test_texts_are_written_once_and_older_ones_go(there: BundleOnHost) -> None:
    bring(there)
    first = {"apt.conf": "a\n", "sources.d/old.sources": "b\n"}
    assert there.end(first, True) == list(first)
    assert not (there.directory / "apt.conf").exists()
    assert there.end(first, False) == list(first)
    assert there.end(first, False) == []
    assert there.end({"apt.conf": "a\n", "sources.d/new.sources": "c\n"}, False) == [
        "sources.d/new.sources", "sources.d/old.sources",
    ]  # fmt: skip
    assert [one.name for one in (there.directory / "sources.d").iterdir()] == ["new.sources"]
    assert not there.incoming.exists()
