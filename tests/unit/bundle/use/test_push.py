"""Test that files reach a host through commands, whole, also after a cut."""

from __future__ import annotations

import hashlib
import subprocess
from collections.abc import Sequence
from pathlib import Path

import pytest
from ansible.module_utils.tgi.bundle.bundle_form import BundleError, read_bundle
from ansible.module_utils.tgi.bundle.sums import read_sums
from ansible.module_utils.tgi.bundle.use import push as pushing
from ansible.module_utils.tgi.bundle.use.bundle_share import BundleFile, HostNeeds, share
from ansible.module_utils.tgi.bundle.use.host_files import BundleOnHost, incoming_name
from ansible.module_utils.tgi.bundle.use.push import Push, batches

from tests.support.bundle.small_bundle import ENTRY, small_bundle

SLICE = 1000


class Site:
    """A bundle, a host's directory, and a shell as the connection."""

    def __init__(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(pushing, "SLICE", SLICE)
        self.bundle = tmp_path / "a bundle"
        image = small_bundle(self.bundle)
        needs = HostNeeds("debian-13", image, [ENTRY])
        self.files = share(self.bundle, read_bundle(self.bundle), read_sums(self.bundle), needs)
        self.there = BundleOnHost(tmp_path / "host's")
        self.counted: list[int] = []
        self.sent = 0
        self.cut_after = 10**9
        self.harm = False

    def send(self, command: str, content: bytes) -> tuple[int, str]:
        cut = self.sent + len(content) > self.cut_after
        if cut:
            # What a broken connection leaves: a part of the slice
            content = content[: len(content) // 2]
        if self.harm and command.startswith("dd"):
            content = bytes(len(content))
        done = subprocess.run(
            ["sh", "-c", command], input=content, capture_output=True, check=False
        )
        self.sent += len(content)
        if cut:
            raise ConnectionError("cut")
        return done.returncode, done.stderr.decode()

    def push(self) -> None:
        missing = self.there.missing(self.files)
        self.there.begin(self.files, missing)
        work = Push(
            self.bundle, str(self.there.incoming), self.send, self.adopt, self.counted.append
        )
        held = {one.path: one.held for one in missing}
        work.push([one for one in self.files if one.path in held], held)

    def adopt(self, files: Sequence[BundleFile]) -> list[str]:
        return self.there.adopt(files)


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Site:
    return Site(tmp_path, monkeypatch)


def test_all_files_come(site: Site) -> None:
    site.push()
    assert site.there.missing(site.files) == []
    assert sum(site.counted) == sum(one.size for one in site.files)


def test_a_cut_costs_one_slice(site: Site) -> None:
    large = max(site.files, key=lambda one: one.size)
    site.cut_after = 35 * SLICE
    with pytest.raises(ConnectionError):
        site.push()
    held = (site.there.incoming / incoming_name(large)).stat().st_size
    assert large.size > held > 5 * SLICE
    before, site.cut_after = site.sent, 10**9
    site.push()
    assert site.there.missing(site.files) == []
    assert site.sent - before < large.size - held + 12 * SLICE


def test_what_came_whole_is_not_sent_again(site: Site) -> None:
    site.there.begin(site.files, site.there.missing(site.files))
    for one in site.files:
        whole = (site.bundle / one.path).read_bytes()
        (site.there.incoming / incoming_name(one)).write_bytes(whole)
    site.push()
    assert site.sent == 0
    assert site.there.missing(site.files) == []


def test_an_empty_file_comes_at_once(site: Site) -> None:
    (site.bundle / "apt/empty").write_bytes(b"")
    empty = BundleFile("apt/empty", hashlib.sha256(b"").hexdigest(), 0)
    wrong: list[str] = []
    site.there.begin([empty], site.there.missing([empty]))

    def adopt(files: Sequence[BundleFile]) -> list[str]:
        wrong.extend(site.there.adopt(files))
        return wrong

    Push(site.bundle, str(site.there.incoming), site.send, adopt).push([empty], {empty.path: 0})
    assert wrong == []
    assert site.there.missing([empty]) == []


def test_a_half_with_wrong_bytes_is_sent_anew(site: Site) -> None:
    large = max(site.files, key=lambda one: one.size)
    site.there.begin(site.files, site.there.missing(site.files))
    (site.there.incoming / incoming_name(large)).write_bytes(bytes(SLICE * 3))
    site.push()
    assert site.there.missing(site.files) == []


def test_bytes_that_change_on_the_way_are_refused(site: Site) -> None:
    site.harm = True
    with pytest.raises(BundleError, match="reaches the host with other bytes than the bundle has"):
        site.push()


def test_a_host_that_cannot_write_is_named(site: Site) -> None:
    site.there.begin(site.files, site.there.missing(site.files))
    site.there.incoming.rmdir()
    site.there.incoming.write_bytes(b"")
    work = Push(site.bundle, str(site.there.incoming), site.send, site.adopt)
    with pytest.raises(BundleError, match=r"cannot be written on the host \(tar: "):
        work.push(site.files, {})


def test_small_files_go_together_and_large_ones_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pushing, "SLICE", 10)
    sizes = [4, 4, 4, 11, 10, 1]
    files = [BundleFile(str(at), "", size) for at, size in enumerate(sizes)]
    # The large one does not end the archive before it
    assert [[one.size for one in batch] for batch in batches(files)] == [
        [4, 4],
        [11],
        [4],
        [10],
        [1],
    ]
